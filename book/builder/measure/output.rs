//! What benchmarks write, and how French writes it.

use anyhow::{Context as _, Result, bail, ensure};

use super::Measures;

/// The columns of the table of the benchmarks, after the name: the engine, the bare loop that is its
/// yardstick, the one to the other; then a bare loop with larger transactions.
const COLUMNS: [&str; 5] = ["engine", "bare", "ratio", "batches", "batches-ratio"];

/// Reads a table in Markdown, and lines like `name: 1.5 % …`.
pub fn parse(output: &str) -> Result<Measures> {
    let mut measures = Measures::new();
    for line in output.lines() {
        if let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [name, figures @ ..] = cells.as_slice() else {
                continue;
            };
            if name.is_empty() || name.starts_with("--") {
                continue;
            }
            ensure!(
                figures.len() == COLUMNS.len(),
                "not {} figures: {line}",
                COLUMNS.len()
            );
            let figures = COLUMNS
                .iter()
                .zip(figures)
                .filter(|(_, figure)| !figure.is_empty());
            let figures =
                figures.map(|(column, figure)| ((*column).to_owned(), (*figure).to_owned()));
            measures.insert((*name).to_owned(), figures.collect());
        } else if let Some((name, rest)) = line.split_once(": ")
            && let [number, unit, ..] = rest.split(' ').collect::<Vec<_>>()[..]
            && number.parse::<f64>().is_ok()
        {
            let figure = ("engine".to_owned(), format!("{number} {unit}"));
            measures.insert(name.to_owned(), [figure].into());
        }
    }
    ensure!(
        !measures.is_empty(),
        "the benchmarks have written no figure"
    );
    Ok(measures)
}

/// A figure with its unit: «1 234 tâches par seconde».
pub fn french(figure: &str) -> Result<String> {
    let end = figure
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(figure.len());
    let (number, unit) = figure.split_at(end);
    let unit = match unit.trim() {
        "" => "",
        "/s" => "\u{a0}tâches par seconde",
        "ms" => "\u{a0}ms",
        "µs" => "\u{a0}µs",
        "MB" => "\u{a0}Mo",
        "%" => "\u{a0}%",
        other => {
            bail!("the unit {other:?} has no French: add it in book/builder/measure/output.rs")
        }
    };
    let (whole, decimals) = number
        .split_once('.')
        .map_or((number, None), |(whole, it)| (whole, Some(it)));
    let digits: Vec<char> = whole.chars().collect();
    let groups = digits
        .rchunks(3)
        .rev()
        .map(|group| group.iter().collect::<String>());
    let whole = groups.collect::<Vec<_>>().join("\u{a0}");
    let decimals = decimals.map_or_else(String::new, |it| format!(",{it}"));
    Some(whole + &decimals + unit)
        .filter(|_| !number.is_empty())
        .with_context(|| format!("{figure:?} has no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_in_french() {
        let same = |figure, text| assert_eq!(french(figure).unwrap(), text);
        same("1234567/s", "1\u{a0}234\u{a0}567\u{a0}tâches par seconde");
        same("0.812 ms", "0,812\u{a0}ms");
        same("12.3 MB", "12,3\u{a0}Mo");
        same("0.95", "0,95");
        same("0.05 %", "0,05\u{a0}%");
        assert!(french("12 parsecs").is_err() && french("many").is_err());
    }
}
