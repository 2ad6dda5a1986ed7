/// What can go wrong in the engine: nothing, as long as all happens in memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
