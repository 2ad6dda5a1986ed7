//! The arrows between the states, in pikchr.

/// A transition that can be drawn; no status before the creation and after the deletion.
pub struct Arrow {
    /// The status before.
    pub from: Option<&'static str>,
    /// The status after.
    pub to: Option<&'static str>,
    /// What has happened to the task.
    pub label: &'static str,
    way: Way,
}

/// Where an arrow goes in the drawing.
#[derive(Clone, Copy)]
enum Way {
    /// From the dot down to the first box.
    In,
    /// From `waiting` down to `running`.
    Down,
    /// From `running` back to `waiting`.
    Back,
    /// From `running` to what becomes of the task.
    Out,
}

/// All the transitions that can be drawn.
#[rustfmt::skip] // one transition a line
pub const ARROWS: [Arrow; 6] = [
    Arrow { from: None, to: Some("waiting"), label: "créée", way: Way::In },
    Arrow { from: Some("waiting"), to: Some("running"), label: "acquise", way: Way::Down },
    Arrow { from: Some("running"), to: Some("waiting"), label: "réessai", way: Way::Back },
    Arrow { from: Some("running"), to: None, label: "terminée, supprimée", way: Way::Out },
    Arrow { from: Some("running"), to: Some("stopped"), label: "terminée", way: Way::Out },
    Arrow { from: Some("running"), to: Some("failed"), label: "abandonnée", way: Way::Out },
];

/// Narrow enough for a phone, with two columns.
const BOXES: &str = "\
boxwid = 0.8in; boxht = 0.42in; boxrad = 6px; arrowht = 0.08in
START: dot rad 0.06in
WAITING: box \"waiting\" fill lightgray with .n at 0.4in below START
RUNNING: box \"running\" fill lightblue with .n at 0.5in below WAITING.s
";

/// From the middle of a column to that of the next one, in inches.
const COLUMN: f64 = 0.9;

/// The drawing: the life of a task goes down, what else may become of it is at the right.
///
/// The possible ends take the columns in the order of the arrows.
#[must_use]
pub fn draw(arrows: &[&Arrow]) -> String {
    let mut drawing = BOXES.to_owned();
    let mut x = 0.0;
    for arrow in arrows {
        let label = arrow.label;
        drawing += &match arrow.way {
            Way::In => down("START", "WAITING", label),
            Way::Down => down("WAITING", "RUNNING", label),
            Way::Back => back(label),
            Way::Out => {
                let column = x;
                x += COLUMN;
                end(arrow.to, column) + &out(column, label)
            }
        };
    }
    drawing
}

fn down(from: &str, to: &str, label: &str) -> String {
    format!(
        "arrow from {from}.s to {to}.n\n\
         text \"{label}\" ljust at 0.06in right of last arrow\n"
    )
}

fn back(label: &str) -> String {
    format!(
        "arrow from RUNNING.w left 0.18in then up until even with WAITING then to WAITING.w\n\
         text \"{label}\" ljust at (RUNNING.w.x - 0.12in, 0.5*(WAITING.s.y + RUNNING.n.y))\n"
    )
}

/// What remains of a task: a box, or the sign for nothing at all.
fn end(status: Option<&str>, x: f64) -> String {
    let place = format!("with .n at (RUNNING.x + {x}in, RUNNING.s.y - 0.5in)");
    match status {
        Some("failed") => format!("END: box \"failed\" fill lightpink {place}\n"),
        Some(status) => format!("END: box \"{status}\" fill lightgreen {place}\n"),
        None => format!("END: circle radius 0.1in {place}\ndot rad 0.06in at END\n"),
    }
}

fn out(x: f64, label: &str) -> String {
    if x == 0.0 {
        return down("RUNNING", "END", label);
    }
    format!(
        "arrow from RUNNING.e right until even with END then to END.n\n\
         text \"{label}\" ljust at (END.x + 0.06in, 0.5*(RUNNING.s.y + END.n.y))\n"
    )
}
