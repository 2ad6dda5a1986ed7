//! A table in Markdown, of medians.

use std::fmt;

use super::BATCH;

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    unit: Unit,
    /// One figure a round.
    engine: Vec<f64>,
    bare: Vec<f64>,
    batches: Vec<f64>,
}

#[derive(Clone, Copy)]
enum Unit {
    Megabytes,
    Millis,
    PerSecond,
}

impl Table {
    /// Tasks a second: the more, the better.
    pub fn rate(&mut self, name: &str, engine: f64, bare: f64, batches: f64) {
        let row = self.row(name, Unit::PerSecond);
        row.engine.push(engine);
        row.bare.push(bare);
        row.batches.push(batches);
    }

    /// The same, beside one other way only.
    pub fn rate_beside(&mut self, name: &str, engine: f64, bare: f64) {
        let row = self.row(name, Unit::PerSecond);
        row.engine.push(engine);
        row.bare.push(bare);
    }

    /// Milliseconds: the fewer, the better.
    pub fn millis(&mut self, name: &str, engine: f64, bare: f64) {
        let row = self.row(name, Unit::Millis);
        row.engine.push(engine);
        row.bare.push(bare);
    }

    /// Megabytes: the fewer, the better.
    pub fn megabytes(&mut self, name: &str, engine: f64, bare: f64) {
        let row = self.row(name, Unit::Megabytes);
        row.engine.push(engine);
        row.bare.push(bare);
    }

    fn row(&mut self, name: &str, unit: Unit) -> &mut Row {
        let found = self.rows.iter().position(|row| row.name == name);
        let index = found.unwrap_or_else(|| {
            self.rows.push(Row {
                name: name.to_owned(),
                unit,
                engine: Vec::new(),
                bare: Vec::new(),
                batches: Vec::new(),
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let by = format!("bare, by {BATCH}");
        let title = ["engine", "bare loop", "ratio", &by, "ratio"];
        line(f, "", title.map(str::to_owned))?;
        let rule = "-".repeat(NAME);
        writeln!(
            f,
            "|-{rule}-|{}",
            format!("{}:|", "-".repeat(CELL + 1)).repeat(5)
        )?;
        for row in &self.rows {
            let figure = |all: &[f64]| median(all).map(|value| row.unit.write(value));
            let cells = [
                figure(&row.engine),
                figure(&row.bare),
                ratio(&row.engine, &row.bare),
                figure(&row.batches),
                ratio(&row.engine, &row.batches),
            ];
            line(f, &row.name, cells.map(Option::unwrap_or_default))?;
        }
        Ok(())
    }
}

const NAME: usize = 60;
const CELL: usize = 12;

fn line(f: &mut fmt::Formatter, name: &str, cells: [String; 5]) -> fmt::Result {
    write!(f, "| {name:<NAME$} |")?;
    for cell in cells {
        write!(f, " {cell:>CELL$} |")?;
    }
    writeln!(f)
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Millis => format!("{value:.3} ms"),
            Self::PerSecond => format!("{value:.0}/s"),
        }
    }
}

/// That of the rounds, which differ more from each other than what is measured in one of them.
fn ratio(engine: &[f64], other: &[f64]) -> Option<String> {
    let ratios = engine
        .iter()
        .zip(other)
        .map(|(engine, other)| engine / other);
    median(&ratios.collect::<Vec<_>>()).map(|ratio| format!("{ratio:.2}"))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
