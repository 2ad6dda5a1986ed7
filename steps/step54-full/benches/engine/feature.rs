//! What is asked of an engine besides executing its tasks.

use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context, Result};
use task_engine::{Handler, NewTask, Rate, Registry, Store};

use super::load::{self, NOTHING};

#[derive(Clone, Copy)]
pub enum Feature {
    None,
    UniqueKeys,
    LimitedKind,
    LimitedKeys,
    RatedKind,
    ManyKinds,
}

impl Feature {
    pub const SOME: [Self; 5] = [
        Self::UniqueKeys,
        Self::LimitedKind,
        Self::LimitedKeys,
        Self::RatedKind,
        Self::ManyKinds,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::UniqueKeys => "a unique key each",
            Self::LimitedKind => "100 at once",
            Self::LimitedKeys => "1 at once of each of 1000 keys",
            Self::RatedKind => "1000 a second",
            Self::ManyKinds => "100 kinds known",
        }
    }

    pub async fn set(self, store: &Store) -> Result<()> {
        let kind = NOTHING;
        match self {
            Self::LimitedKind => store.limit_kind(kind, NonZero::new(100)).await?,
            Self::LimitedKeys => store.limit_keys(kind, NonZero::new(1)).await?,
            Self::RatedKind => {
                let starts = NonZero::new(1000).context("none")?;
                let period = Duration::from_secs(1);
                store.rate_kind(kind, Some(Rate { starts, period })).await?
            }
            Self::None | Self::UniqueKeys | Self::ManyKinds => false,
        };
        Ok(())
    }

    pub fn task(self, index: u32) -> NewTask {
        let task = load::nothing();
        match self {
            Self::UniqueKeys => task.unique(index.to_string()),
            Self::LimitedKeys => task.concurrency_key((index % 1000).to_string()),
            _ => task,
        }
    }

    /// What the engine knows, which does this with the tasks.
    pub fn registry(self, handler: &Handler) -> Registry {
        let others = if matches!(self, Self::ManyKinds) {
            99
        } else {
            0
        };
        let registry = Registry::default().with_handler(NOTHING, handler.clone());
        (0..others).fold(registry, |registry, other| {
            registry.with_handler(&format!("other {other}"), handler.clone())
        })
    }
}
