//! Labels beside marks, each as low as it goes without touching another one.

/// What a character takes, in a label.
pub const CHARACTER: f64 = 5.7;

/// What separates a label from its mark.
const GAP: f64 = 3.0;

/// A label, and where it stands.
pub struct Label<'a> {
    pub text: &'a str,
    /// Where its mark is.
    pub x: f64,
    /// Whether it stands at the left of its mark.
    pub before: bool,
    /// 0 for the lowest line.
    pub tier: usize,
}

/// Places the labels of marks given in order; the lowest line is taken up to `taken`, and all end at `right`.
///
/// The last one comes first: an earlier one that would touch it goes above, and the line that leads
/// down to its mark crosses nothing.
pub fn place<'a>(marks: &[(f64, &'a str)], taken: f64, right: f64) -> Vec<Label<'a>> {
    let mut tiers: Vec<Vec<(f64, f64)>> = vec![vec![(0.0, taken)]];
    let mut labels = Vec::new();
    for &(x, text) in marks.iter().rev() {
        let width = width(text) + GAP;
        let before = x + width > right;
        let (start, end) = if before {
            (x - width, x)
        } else {
            (x, x + width)
        };
        let free = |tier: &Vec<(f64, f64)>| {
            tier.iter()
                .all(|(from, to)| end + GAP < *from || start > *to)
        };
        let tier = tiers.iter().position(free).unwrap_or_else(|| {
            tiers.push(Vec::new());
            tiers.len() - 1
        });
        tiers[tier].push((start, end));
        labels.push(Label {
            text,
            x,
            before,
            tier,
        });
    }
    labels
}

impl Label<'_> {
    /// Where its text begins, or ends if it stands before its mark.
    pub fn text_x(&self) -> f64 {
        if self.before {
            self.x - GAP
        } else {
            self.x + GAP
        }
    }
}

/// The lines that labels take.
pub fn tiers(labels: &[Label]) -> usize {
    labels.iter().map(|label| label.tier + 1).max().unwrap_or(0)
}

/// What a text takes.
pub fn width(text: &str) -> f64 {
    f64::from(u16::try_from(text.chars().count()).unwrap_or(u16::MAX)) * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_stand_one_above_the_other() {
        let labels = place(
            &[(10.0, "first"), (20.0, "second"), (200.0, "third")],
            0.0,
            400.0,
        );
        let tiers = labels.iter().map(|label| (label.text, label.tier));
        assert_eq!(
            tiers.collect::<Vec<_>>(),
            [("third", 0), ("second", 0), ("first", 1)]
        );
    }

    #[test]
    fn a_label_stays_within_the_drawing_and_off_the_title() {
        let labels = place(&[(5.0, "early"), (395.0, "late")], 60.0, 400.0);
        assert!(labels[0].before && labels[0].text_x() < 395.0);
        assert_eq!(labels[1].tier, 1);
    }
}
