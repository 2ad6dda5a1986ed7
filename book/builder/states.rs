//! `{{#states SLUG}}`: the states of a task at a step, as its program was seen to change them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::diagram;
use crate::html;
use crate::page::Page;

const TRANSITIONS: &str = "tests/transitions.json";

/// From a status to a status; none before the creation and after the deletion.
type Transition = (Option<String>, Option<String>);

/// A transition that can be drawn.
struct Arrow {
    from: Option<&'static str>,
    to: Option<&'static str>,
    /// What has happened to the task.
    label: &'static str,
    /// The arrow and what it leads to, in pikchr; `LABEL` stands for the label.
    drawing: &'static str,
}

/// The life of a task goes down, what else may become of it is at the right: narrow enough for a phone.
const BOXES: &str = "\
boxwid = 0.8in; boxht = 0.42in; boxrad = 6px; arrowht = 0.08in
START: dot rad 0.06in
WAITING: box \"waiting\" fill lightgray with .n at 0.4in below START
RUNNING: box \"running\" fill lightblue with .n at 0.5in below WAITING.s
";

/// All the transitions that can be drawn.
const ARROWS: [Arrow; 8] = [
    Arrow {
        from: None,
        to: Some("waiting"),
        label: "créée",
        drawing: "arrow from START.s to WAITING.n
            text LABEL ljust at 0.06in right of last arrow",
    },
    Arrow {
        from: Some("waiting"),
        to: Some("running"),
        label: "acquise",
        drawing: "arrow from WAITING.s to RUNNING.n
            text LABEL ljust at 0.06in right of last arrow",
    },
    Arrow {
        from: Some("running"),
        to: Some("waiting"),
        label: "réessai",
        drawing:
            "arrow from RUNNING.w left 0.18in then up until even with WAITING then to WAITING.w
            text LABEL ljust at (RUNNING.w.x - 0.12in, 0.5*(WAITING.s.y + RUNNING.n.y))",
    },
    Arrow {
        from: Some("running"),
        to: None,
        label: "terminée, supprimée",
        drawing: "END: circle radius 0.1in with .n at 0.5in below RUNNING.s
            dot rad 0.06in at END
            arrow from RUNNING.s to END.n
            text LABEL ljust at 0.06in right of last arrow",
    },
    Arrow {
        from: Some("running"),
        to: Some("stopped"),
        label: "terminée",
        drawing: "END: box \"stopped\" fill lightgreen with .n at 0.5in below RUNNING.s
            arrow from RUNNING.s to END.n
            text LABEL ljust at 0.06in right of last arrow",
    },
    Arrow {
        from: Some("running"),
        to: Some("failed"),
        label: "abandonnée",
        drawing:
            "END: box \"failed\" fill lightpink with .n at (RUNNING.x + 0.9in, RUNNING.s.y - 0.5in)
            arrow from RUNNING.e right until even with END then to END.n
            text LABEL ljust at (END.x + 0.06in, 0.5*(RUNNING.s.y + END.n.y))",
    },
    Arrow {
        from: Some("waiting"),
        to: Some("cancelled"),
        label: "annulée",
        drawing: "CANCELLED: box \"cancelled\" with .w at 1.5in right of RUNNING.e
            arrow from WAITING.e right until even with CANCELLED then to CANCELLED.n
            text LABEL rjust at (CANCELLED.x - 0.06in, 0.5*(WAITING.s.y + CANCELLED.n.y))",
    },
    Arrow {
        from: Some("running"),
        to: Some("cancelled"),
        label: "interrompue",
        drawing: "arrow from RUNNING.e to CANCELLED.w
            text LABEL above at 0.5 of the way between RUNNING.e and CANCELLED.w",
    },
];

/// The figure of the states.
pub fn figure(page: &Page, slug: &str) -> Result<String> {
    let step = page.library.step(slug)?;
    let all: BTreeMap<String, Vec<Transition>> =
        serde_json::from_str(&page.library.read(TRANSITIONS)?)
            .with_context(|| format!("can't read {TRANSITIONS}"))?;
    for slug in all.keys() {
        page.library.step(slug).context(TRANSITIONS)?;
    }
    let seen = all.get(slug).map(Vec::as_slice).unwrap_or_default();
    ensure!(!seen.is_empty(), "{TRANSITIONS} has nothing of {slug}");
    let mut drawing = BOXES.to_owned();
    let mut described = Vec::new();
    for transition in seen {
        let Arrow {
            from,
            to,
            label,
            drawing: arrow,
        } = known(transition)?;
        drawing += &arrow.replace("LABEL", &format!("\"{label}\""));
        drawing.push('\n');
        let (from, to) = (from.unwrap_or("début"), to.unwrap_or("fin"));
        described.push(format!("de {from} à {to} ({label})"));
    }
    let title = format!("Les états d’une tâche à l’étape {}", step.number);
    let label = format!("{title}\u{a0}: {}", described.join(", "));
    let caption = format!("{}, {}", html::inline(&title), page.chapter_link(step));
    diagram::figure(&drawing, &label, &caption)
}

fn known((from, to): &Transition) -> Result<&'static Arrow> {
    let (from, to) = (from.as_deref(), to.as_deref());
    let mut arrows = ARROWS.iter();
    let arrow = arrows.find(|arrow| arrow.from == from && arrow.to == to);
    arrow.with_context(|| {
        let (from, to) = (from.unwrap_or("null"), to.unwrap_or("null"));
        format!(
            "{TRANSITIONS} has a transition {from} -> {to} that can't be drawn: \
             add it, with its label, to ARROWS in book/builder/states.rs"
        )
    })
}
