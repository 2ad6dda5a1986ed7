//! The executions: a colour and a shape for each outcome.

use super::draw::{CROSS, Drawing};
use super::{Execution, Outcome, marks, tell};
use crate::html;

const HEIGHT: f64 = 15.0;
/// The least width.
const THIN: f64 = 3.0;
/// With more executions than these, the numbers that have room would be those of any task.
const NUMBERED: usize = 50;

/// What failures are filled with: lines one way if there is another try, both ways if there is none.
pub fn hatches(name: &str) -> String {
    let hatches = [
        (Outcome::Retry, "M0 0V4"),
        (Outcome::Failure, "M0 0V4M0 0H4"),
    ];
    let hatches = hatches.map(|(outcome, path)| {
        format!(
            "<pattern id=\"{name}-{outcome:?}\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"{path}\"/></pattern>"
        )
    });
    hatches.concat()
}

impl Drawing<'_> {
    /// A bar, with the number of its task in it, or between it and what comes next.
    pub fn bar(&mut self, execution: &Execution, middle: f64, next: f64) {
        let (x, y) = (self.x(execution.start), middle - HEIGHT / 2.0);
        let width = (self.x(execution.end) - x).max(THIN);
        let title = html::escape(&tell::execution(execution));
        self.add(format_args!("<g><title>{title}</title>"));
        self.shape(execution.outcome, x, y, width, HEIGHT);
        self.number(execution, x + width, middle, width, next);
        self.add(format_args!("</g>"));
    }

    fn number(&mut self, execution: &Execution, end: f64, middle: f64, width: f64, next: f64) {
        let number = execution.task.to_string();
        let room = marks::width(&number) + 6.0;
        let numbered = self.timeline.executions().count() <= NUMBERED;
        if width >= room && numbered {
            self.text("number", end - width + 4.0, middle + 4.0, &number);
            return;
        }
        // Too thin for its shape to be seen.
        let failed = matches!(execution.outcome, Outcome::Failure | Outcome::Retry);
        let cross = if failed { 9.0 } else { 0.0 };
        if failed {
            let x = end + 6.0;
            self.add(format_args!(
                "<path class=\"killed\" d=\"M{x:.1} {middle:.1}{CROSS}\"/>"
            ));
        }
        if numbered && end + cross + room < next {
            self.text("label", end + cross + 3.0, middle + 4.0, &number);
        }
    }

    /// What an outcome looks like.
    pub fn shape(&mut self, outcome: Outcome, x: f64, y: f64, width: f64, height: f64) {
        let right = match outcome {
            // Torn.
            Outcome::Cut => {
                let tooth = height / 4.0;
                format!("l-2.5 {tooth}l2.5 {tooth}l-2.5 {tooth}l2.5 {tooth}")
            }
            // Pointing back.
            Outcome::PutBack => {
                let half = height / 2.0;
                format!("l-4 {half}l4 {half}")
            }
            _ => format!("v{height}"),
        };
        let class = format!("{outcome:?}").to_lowercase();
        let path = format!("M{x:.1} {y:.1}h{width:.1}{right}h-{width:.1}z");
        self.add(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
        if matches!(outcome, Outcome::Failure | Outcome::Retry) {
            let name = self.name;
            self.add(format_args!(
                "<path style=\"fill:url(#{name}-{outcome:?})\" d=\"{path}\"/>"
            ));
        }
    }
}
