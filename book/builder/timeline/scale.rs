//! The time: where an instant is, the axis below, and the lines that lead up from it.

use std::fmt::Write as _;

use super::{Timeline, tell};

// Sizes are those of a phone; wider screens enlarge the whole.
pub const WIDTH: f64 = 390.0;
/// Where the time begins, after the names of the workers.
pub const LEFT: f64 = 58.0;
pub const RIGHT: f64 = WIDTH - 14.0;

/// What may separate two marks of the axis, in milliseconds.
const STEPS: [u64; 9] = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/// Milliseconds.
fn length(timeline: &Timeline) -> u64 {
    timeline.end.max(1)
}

/// Where an instant is.
pub fn x(timeline: &Timeline, at: u64) -> f64 {
    LEFT + float(at) / float(length(timeline)) * (RIGHT - LEFT)
}

/// What goes behind a drawing of this height, and the axis below it.
pub fn scale(timeline: &Timeline, height: f64) -> String {
    let length = length(timeline);
    let step = STEPS.into_iter().find(|step| length / step <= 5);
    let step = step.unwrap_or(60_000);
    let bottom = height + 2.0;
    let (mut grid, mut axis, mut ticks) = (String::new(), String::new(), String::new());
    // Writing in a string doesn't fail.
    for at in (0..=length).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let x = x(timeline, at);
        let unit = if at + step > length { "\u{a0}s" } else { "" };
        let _ = write!(grid, "M{x:.1} 2V{height:.1}");
        let _ = write!(axis, "M{x:.1} {bottom:.1}v4");
        let _ = write!(
            ticks,
            "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{}{unit}</text>",
            bottom + 15.0,
            tell::short(at)
        );
    }
    let mut falls = String::new();
    for command in &timeline.commands {
        let _ = write!(falls, "M{:.1} 2V{height:.1}", x(timeline, command.at));
    }
    format!(
        "<path class=\"grid\" d=\"{grid}\"/><path class=\"fall\" d=\"{falls}\"/>\
         <path class=\"axis\" d=\"M{LEFT} {bottom:.1}H{RIGHT}{axis}\"/>{ticks}"
    )
}

/// A session takes minutes at most.
pub fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_goes_from_the_first_event_to_the_end() {
        let timeline = Timeline {
            end: 2100,
            ..Timeline::default()
        };
        assert!((x(&timeline, 0) - LEFT).abs() < 0.01);
        assert!((x(&timeline, 1050) - f64::midpoint(LEFT, RIGHT)).abs() < 0.01);
        assert!((x(&timeline, 2100) - RIGHT).abs() < 0.01);
        let scale = scale(&timeline, 50.0);
        let ticks = ["0</text>", ">0,5</text>", ">1,5</text>", ">2\u{a0}s</text>"];
        assert!(ticks.iter().all(|tick| scale.contains(tick)), "{scale}");
    }
}
