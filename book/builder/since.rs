//! What exists since which step, and until which.

use xtask::Step;

/// Something that a step has brought.
pub struct Entry<'a, K, V> {
    /// What it is known by.
    pub key: K,
    /// How it was when it was last seen.
    pub value: V,
    /// The first step that has it.
    pub since: &'a Step,
    /// The steps that have made it otherwise.
    pub changed: Vec<&'a Step>,
    /// The first step that has it no more.
    pub removed: Option<&'a Step>,
}

/// All that has ever existed, in the order of appearance.
pub struct History<'a, K, V>(Vec<Entry<'a, K, V>>);

impl<'a, K: PartialEq, V: PartialEq> History<'a, K, V> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes note of all that exists at a step, which comes after those recorded before.
    pub fn record(&mut self, step: &'a Step, mut current: Vec<(K, V)>) {
        for entry in self.0.iter_mut().filter(|entry| entry.removed.is_none()) {
            let Some(found) = current.iter().position(|(key, _)| *key == entry.key) else {
                entry.removed = Some(step);
                continue;
            };
            let (_, value) = current.remove(found);
            if value != entry.value {
                entry.value = value;
                entry.changed.push(step);
            }
        }
        self.0.extend(current.into_iter().map(|(key, value)| Entry {
            key,
            value,
            since: step,
            changed: Vec::new(),
            removed: None,
        }));
    }

    /// What was recorded.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a, K, V>] {
        &self.0
    }
}

impl<K: PartialEq, V: PartialEq> Default for History<'_, K, V> {
    fn default() -> Self {
        Self::new()
    }
}
