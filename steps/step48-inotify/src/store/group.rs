use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::error;

use crate::Error;

/// How many share a transaction at most, and how long others may join the first: it waits for them,
/// and so do other programs.
const LARGEST: usize = 64;
const LONGEST: Duration = Duration::from_millis(100);

/// Tells whether the database has something that undoes a whole transaction, or that may refuse it
/// when it is committed, whoever is to blame.
const UNDOES_ALL: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema
                                         WHERE sql LIKE '%rollback%' OR sql LIKE '%deferr%')";

/// Some work to be done in a transaction, if there is one.
type Work = Box<dyn FnOnce(Result<&Connection, Error>) -> Done + Send>;

/// What shares a transaction.
pub(super) struct Member {
    pub work: Work,
    /// Whether it is done again, if it is rolled back with the others.
    pub repeatable: bool,
}

/// Tells who waits for some work what has become of the transaction.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// What is done, and not committed yet.
pub(super) struct Done {
    /// Whether to commit it.
    pub kept: bool,
    /// Whether it has failed of something that is seen before anything is written.
    pub harmless: bool,
    /// For those who wait for it.
    pub answer: Answer,
}

/// Commits together what waits together: the disk takes as long for one as for many.
#[derive(Default)]
pub(super) struct Groups {
    /// The version of the schema that was looked at, and how many it lets share a transaction.
    looked_at: i64,
    largest: usize,
}

impl Groups {
    /// Does the first one, and the next ones as long as there are some; commits all; and only then
    /// answers.
    pub fn commit(
        &mut self,
        connection: &mut Connection,
        first: Member,
        mut next: impl FnMut() -> Option<Member>,
    ) {
        let begun = connection.transaction();
        let (sql, largest) = match begun.and_then(|sql| Ok((self.largest(&sql)?, sql))) {
            Ok((largest, sql)) => (sql, largest),
            Err(error) => return ((first.work)(Err(error.into())).answer)(Ok(())),
        };
        let (mut answers, mut kept, mut joining) = (Vec::new(), false, None);
        let (mut member, mut repeatable) = (Some(first), true);
        while let Some(one) = member.take() {
            repeatable &= one.repeatable;
            // What is undone with another, but isn't lost, needs no savepoint.
            let (done, sound) = if repeatable || answers.is_empty() {
                as_it_is(&sql, one)
            } else {
                in_savepoint(&sql, one)
            };
            if !sound {
                drop(sql);
                // Its own error says why, if it has one.
                (done.answer)((!done.kept).then_some(()).ok_or(Error::RolledBack));
                return tell(answers, || Err(Error::RolledBack));
            }
            answers.push(done.answer);
            kept |= done.kept;
            let since = *joining.get_or_insert_with(Instant::now);
            if answers.len() < largest && since.elapsed() < LONGEST {
                member = next();
            }
        }
        // Nothing to write for those that have all failed.
        let ended = if kept { sql.commit() } else { sql.rollback() };
        match (ended, answers.len()) {
            (Ok(()), _) => tell(answers, || Ok(())),
            (Err(error), 1) => answers.remove(0)(Err(error.into())),
            (Err(error), several) => {
                error!(%error, several, "what was to be committed together isn't");
                tell(answers, || Err(Error::RolledBack));
            }
        }
    }

    fn largest(&mut self, sql: &Connection) -> rusqlite::Result<usize> {
        let mut version = sql.prepare_cached("PRAGMA schema_version")?;
        let version = version.query_one([], |row| row.get(0))?;
        if version != self.looked_at {
            let undoes_all: bool = sql.query_one(UNDOES_ALL, [], |row| row.get(0))?;
            (self.looked_at, self.largest) = (version, if undoes_all { 1 } else { LARGEST });
        }
        Ok(self.largest)
    }
}

/// If this one fails, all is to be undone, unless it hasn't changed anything.
fn as_it_is(sql: &Connection, one: Member) -> (Done, bool) {
    let before = sql.total_changes();
    let done = (one.work)(Ok(sql));
    let harmless = done.harmless && sql.total_changes() == before;
    let sound = (done.kept || harmless) && !sql.is_autocommit();
    (done, sound)
}

/// Undoes what this one did, and nothing else, unless it is to be kept. Says whether the transaction
/// goes on: the work may have had it rolled back, all of it.
fn in_savepoint(sql: &Connection, one: Member) -> (Done, bool) {
    let run = |statement| sql.prepare_cached(statement)?.execute([]);
    let begun = run("SAVEPOINT one_of_many").map(|_| sql);
    let done = (one.work)(begun.map_err(Error::from));
    let undone = done.kept || run("ROLLBACK TO one_of_many").is_ok();
    (done, undone && run("RELEASE one_of_many").is_ok())
}

fn tell(answers: Vec<Answer>, what: impl Fn() -> Result<(), Error>) {
    for answer in answers {
        answer(what());
    }
}
