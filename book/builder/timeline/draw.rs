//! A timeline as SVG, which stands alone in a file as well. It brings its style, with the colours of the page that it stands in.

use std::fmt::{Arguments, Write as _};

use super::bar;
use super::marks::{self, Label};
use super::scale::{self, LEFT, RIGHT, WIDTH, float};
use super::tell::{self, rows};
use super::{Command, Ending, Engine, Execution, Outcome, Timeline};
use crate::html;

const STYLE: &str = include_str!("draw.css");

/// The height of a line of labels, of a row.
const TIER: f64 = 13.0;
const ROW: f64 = 21.0;
/// What ends badly.
pub const CROSS: &str = "m-3 -3l6 6m0 -6l-6 6";

pub struct Drawing<'a> {
    pub timeline: &'a Timeline,
    /// Begins the names of its parts.
    pub name: &'a str,
    svg: String,
    /// The height of what is drawn.
    y: f64,
}

/// The drawing on one line; `name` begins the names of its parts.
pub fn draw(timeline: &Timeline, name: &str, label: &str, description: &str) -> String {
    let mut drawing = Drawing {
        timeline,
        name,
        svg: String::new(),
        y: 2.0,
    };
    drawing.commands();
    for index in 0..timeline.engines.len() {
        drawing.engine(index);
    }
    let height = drawing.y;
    drawing.y += 22.0;
    drawing.legend();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" role=\"img\" aria-label=\"{label}\" aria-describedby=\"{name}\" viewBox=\"0 0 {WIDTH} {}\">\
         <desc id=\"{name}\">{description}</desc><style>{}</style><defs>{}</defs>{}{}</svg>",
        drawing.y,
        STYLE.replace('\n', " "),
        bar::hatches(name),
        scale::scale(timeline, height),
        drawing.svg
    )
}

impl Drawing<'_> {
    pub fn x(&self, at: u64) -> f64 {
        scale::x(self.timeline, at)
    }

    pub fn add(&mut self, element: Arguments) {
        // Writing in a string doesn't fail.
        let _ = self.svg.write_fmt(element);
    }

    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = html::escape(text);
        self.add(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    /// What was done in the terminal, above all.
    fn commands(&mut self) {
        if self.timeline.commands.is_empty() {
            return;
        }
        let labels = self.place(&self.timeline.commands, LEFT - 4.0);
        let bottom = self.y + TIER * float(marks::tiers(&labels) as u64);
        self.text("name", LEFT - 8.0, bottom - 3.0, "Terminal");
        self.labels(&labels, "command", bottom, bottom + 4.0);
        self.y = bottom + 8.0;
    }

    fn place<'a>(&self, marks: &'a [Command], taken: f64) -> Vec<Label<'a>> {
        let marks: Vec<_> = marks
            .iter()
            .map(|it| (self.x(it.at), it.label.as_str()))
            .collect();
        marks::place(&marks, taken, WIDTH)
    }

    /// Labels above `bottom`, and from each a line down to `end`.
    fn labels(&mut self, labels: &[Label], class: &str, bottom: f64, end: f64) {
        for label in labels {
            let y = bottom - 3.0 - TIER * float(label.tier as u64);
            let (x, top) = (label.x, y - 8.0);
            self.add(format_args!(
                "<path class=\"{class}\" d=\"M{x:.1} {top:.1}V{end:.1}\"/>"
            ));
            let class = if label.before {
                "label before"
            } else {
                "label"
            };
            self.text(class, label.text_x(), y, label.text);
        }
    }

    fn engine(&mut self, index: usize) {
        let timeline = self.timeline;
        let engine = &timeline.engines[index];
        let title = tell::title(timeline, index);
        let titled = engine.name.is_some() || timeline.engines.len() > 1;
        let taken = if titled {
            marks::width(&title) + 8.0
        } else {
            LEFT - 4.0
        };
        let refusal = [Command {
            at: engine.end,
            label: "refus de démarrer".to_owned(),
        }];
        let refused = engine.ending == Ending::Refused;
        let marks = if refused {
            &refusal
        } else {
            engine.signals.as_slice()
        };
        let labels = self.place(marks, taken);
        let tiers = marks::tiers(&labels).max(usize::from(titled));
        let bottom = self.y + TIER * float(tiers as u64);
        if titled {
            self.text("engine", 0.0, bottom - 3.0, &title);
        }
        if refused {
            self.labels(&labels, "refused", bottom, bottom);
            self.y = bottom + 6.0;
            return;
        }
        self.y = bottom;
        for (name, executions) in rows(engine) {
            self.row(engine, &name, &executions);
        }
        self.labels(&labels, "signal", bottom, self.y);
        self.y += 6.0;
    }

    /// The life of a worker, and on it its executions.
    fn row(&mut self, engine: &Engine, name: &str, executions: &[&Execution]) {
        let (start, end) = (self.x(engine.start), self.x(engine.end));
        let middle = self.y + ROW / 2.0;
        self.text("name", LEFT - 8.0, middle + 4.0, name);
        self.add(format_args!(
            "<path class=\"life\" d=\"M{start:.1} {:.1}v6m0 -3H{end:.1}\"/>",
            middle - 3.0
        ));
        for (index, execution) in executions.iter().enumerate() {
            let next = executions
                .get(index + 1)
                .map_or(RIGHT, |next| self.x(next.start));
            self.bar(execution, middle, next);
        }
        let (class, mark) = match engine.ending {
            Ending::Stopped => ("life", "m0 -3v6"),
            Ending::Running => ("life", ""),
            _ => ("killed", CROSS),
        };
        self.add(format_args!(
            "<path class=\"{class}\" d=\"M{end:.1} {middle:.1}{mark}\"/>"
        ));
        self.y += ROW;
    }

    /// What the shapes mean, if there is more than one.
    fn legend(&mut self) {
        let all = [
            Outcome::Success,
            Outcome::Failure,
            Outcome::Retry,
            Outcome::PutBack,
            Outcome::Lost,
            Outcome::Cut,
            Outcome::Cancelled,
        ];
        let seen = |outcome: &Outcome| self.timeline.executions().any(|it| it.outcome == *outcome);
        let seen: Vec<_> = all.into_iter().filter(seen).collect();
        if seen == [Outcome::Success] {
            return;
        }
        let mut x = LEFT;
        for outcome in seen {
            self.shape(outcome, x, self.y + 4.0, 16.0, 10.0);
            let text = tell::outcome(outcome);
            self.text("label", x + 21.0, self.y + 13.0, text);
            x += marks::width(text) + 36.0;
        }
        self.y += 20.0;
    }
}
