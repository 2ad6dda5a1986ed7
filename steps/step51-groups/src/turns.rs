use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Mutex as AsyncMutex;

/// The queues of those who wait for room, a kind each, in this process; cheap to clone. Who has the
/// turn of a kind is the only one to look; then comes who has waited for the longest time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns {
    kinds: Arc<Mutex<HashMap<String, Weak<AsyncMutex<()>>>>>,
}

impl Turns {
    /// The queue of this kind, which is there as long as somebody has it.
    pub fn of(&self, kind: &str) -> Arc<AsyncMutex<()>> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.retain(|_, turn| turn.strong_count() > 0);
        let turn = kinds.get(kind).and_then(Weak::upgrade).unwrap_or_default();
        kinds.insert(kind.to_owned(), Arc::downgrade(&turn));
        turn
    }
}
