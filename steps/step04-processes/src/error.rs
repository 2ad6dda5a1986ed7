/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused or failed what it was asked for.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
}
