//! The heartbeat, the recovery and the lease, as a model: every order of events is tried, up to a
//! number of faults.
//!
//! What is modelled: two tasks; up to three starts of an engine, two at once, with one worker each;
//! their rows in the database, what each of them believes, and whom it suspects. A step is a
//! transaction, or what happens to a process. Time passes by thirds of a lease. A fault is a
//! `SIGSTOP`, a `kill -9`, an engine that the database keeps waiting (if it is both, the database is
//! locked), or a clock that is set, by more than a lease and to a time that it has never shown.
//!
//! What is taken for granted: a transaction is all or nothing; a heartbeat is asked for and written
//! at once; an engine that runs, and isn't kept waiting, beats in every third of a lease, and before
//! the others look; what a lost lease cuts short stops at once, but for an end that was already
//! asked for.
//!
//! What isn't: retries and the number of crashes, since a task here succeeds or is cut short; kinds;
//! code that never waits, and can't be cut; rows that a trigger refuses; engines whose leases differ.
//!
//! What holds, in each state: all tasks end, once nothing goes wrong any more; the outcome of a task is
//! that of its last execution; no two engines execute a task at once, unless the first of them
//! [`is_excused`]. Each [`Flaw`] makes one of them wrong, and `snapshots/` shows the
//! shortest way. The last two were found so, in the engine, and are mended there.

use std::collections::HashSet;
use std::fmt::Write;

/// In thirds of it.
const LEASE: u8 = 3;
/// How many engines are started, at most, while faults may happen.
const STARTS: usize = 3;
/// How many times each task is begun, at most.
const EXECUTIONS: u8 = 3;

/// What the protocol is deprived of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    /// The end of a task doesn't name its execution.
    NoFencing,
    /// One look is enough to declare an engine dead.
    OneLook,
    /// An engine that can't beat goes on.
    NoDeadline,
    /// The first lease is counted from when the engine begins, and not from when it was noted: it
    /// may have been suspended in between.
    LateCount,
    /// Between two beats, the heart sleeps until a time that the clock shows, and looks at no
    /// deadline meanwhile: a clock set back while a beat waited makes it sleep for as long.
    WallClockSleep,
}

/// What is explored.
struct Lease {
    flaw: Option<Flaw>,
    faults: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    tasks: [Task; 2],
    engines: Vec<Engine>,
    /// How many may still happen.
    faults: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Task {
    status: Status,
    /// The number of the last one.
    execution: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Status {
    Waiting,
    /// By this engine.
    Running(usize),
    /// With the outcome of this execution.
    Ended(u8),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Process {
    Starting,
    Working,
    /// It has lost its lease, and has yet to give its tasks back.
    Lost,
    /// Killed, or begun again under another number.
    #[default]
    Gone,
}

/// A start of an engine: a row, and a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
struct Engine {
    /// In the database; to all queries, `dead` and `stopped` are the same.
    alive: bool,
    /// How old the heartbeat is in the database.
    heartbeat: u8,
    /// The clock has been set since.
    clock_set: bool,
    process: Process,
    suspended: bool,
    /// The database keeps it waiting.
    shut_out: bool,
    /// It was suspended or kept waiting until a moment ago: its heart hasn't had its turn.
    back: bool,
    /// For how long it has had its lease, by a clock that nobody sets.
    since: u8,
    /// What it has done in this third of a lease.
    beaten: bool,
    looked: bool,
    /// Its next sleep, or this one, is that of [`Flaw::WallClockSleep`].
    will_oversleep: bool,
    oversleeps: bool,
    /// The task that it executes, and the execution.
    runs: Option<(usize, u8)>,
    /// The engines that were silent when it last looked, and haven't beaten since: a bit each.
    suspects: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Start,
    Begin(usize),
    Acquire(usize),
    End(usize),
    Beat(usize),
    Cut(usize),
    Release(usize),
    Look(usize),
    Recover(usize),
    Suspend(usize),
    Resume(usize),
    Kill(usize),
    ShutOut(usize),
    LetIn(usize),
    SetClock,
    TimePasses,
}
use Action::*;
use Process::*;
use Status::*;

/// What an engine does when nothing goes wrong any more, in this order.
const WORK: [fn(usize) -> Action; 8] = [Begin, Beat, Cut, Release, End, Look, Recover, Acquire];

fn when(possible: bool) -> Option<()> {
    possible.then_some(())
}

impl Engine {
    /// What is left of it without its process.
    fn row(&self) -> Self {
        Self {
            alive: self.alive,
            heartbeat: self.heartbeat,
            clock_set: self.alive && self.clock_set,
            ..Self::default()
        }
    }

    fn is_up(&self) -> bool {
        self.process != Gone && !self.suspended
    }

    /// Whether its transactions are executed.
    fn writes(&self) -> bool {
        self.is_up() && !self.shut_out
    }

    fn works(&self) -> bool {
        self.process == Working
    }

    /// Whether its heart is to beat.
    fn is_due(&self) -> bool {
        !self.beaten && !self.oversleeps
    }

    fn is_silent_for(&self, thirds: u8) -> bool {
        self.alive && (self.clock_set || self.heartbeat > thirds)
    }
}

impl State {
    /// Those that may be possible.
    fn actions(&self) -> impl Iterator<Item = Action> {
        let start = (self.engines.len() < STARTS).then_some(Start);
        let there = |e: &usize| self.engines[*e].process != Gone;
        let engines = (0..self.engines.len()).filter(there);
        let work = engines.clone().filter(|e| self.engines[*e].is_up());
        let work = work.flat_map(|e| WORK.map(|action| action(e)));
        let back = engines.clone().flat_map(|e| [Resume(e), LetIn(e)]);
        let faults = engines
            .flat_map(|e| [Suspend(e), Kill(e), ShutOut(e)])
            .chain([SetClock]);
        let faults = faults.filter(|_| self.faults > 0);
        start
            .into_iter()
            .chain(work)
            .chain(back)
            .chain(faults)
            .chain([TimePasses])
    }
}

impl Lease {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Whether time may pass: it has done what it had to.
    fn is_on_time(&self, engine: &Engine) -> bool {
        let patient = engine.since < LEASE - 1 || self.has(Flaw::NoDeadline);
        match engine.process {
            _ if engine.suspended => true,
            Starting => false,
            Working => !engine.is_due() || engine.shut_out && patient,
            Lost | Gone => true,
        }
    }

    /// Makes a step, unless it can't be made now.
    fn step(&self, state: &mut State, action: Action) -> bool {
        let fault = matches!(action, Suspend(_) | Kill(_) | ShutOut(_) | SetClock);
        let faults = state.faults.checked_sub(u8::from(fault));
        let possible = faults.is_some() && self.try_step(state, action).is_some();
        state.faults = faults.unwrap_or_default();
        possible
    }

    fn try_step(&self, State { tasks, engines, .. }: &mut State, action: Action) -> Option<()> {
        match action {
            Start => {
                let there = engines.iter().filter(|engine| engine.process != Gone);
                when(there.count() < 2)?;
                engines.push(Engine {
                    alive: true,
                    process: Starting,
                    beaten: true,
                    ..Engine::default()
                });
            }
            Begin(e) => {
                let engine = &mut engines[e];
                when(engine.process == Starting && engine.is_up())?;
                engine.process = Working;
                if self.has(Flaw::LateCount) {
                    engine.since = 0;
                    engine.beaten = true;
                }
            }
            Acquire(e) => {
                when(engines[e].works() && engines[e].writes() && engines[e].runs.is_none())?;
                let id = tasks.iter().position(|task| task.status == Waiting)?;
                tasks[id].status = Running(e);
                tasks[id].execution += 1;
                engines[e].runs = Some((id, tasks[id].execution));
            }
            // Also once the lease is lost: it may have been asked for before.
            End(e) => {
                when(engines[e].writes())?;
                let (id, execution) = engines[e].runs.take()?;
                let ours = tasks[id].execution == execution || self.has(Flaw::NoFencing);
                if ours && matches!(tasks[id].status, Running(_)) {
                    tasks[id].status = Ended(execution);
                }
            }
            Beat(e) => {
                let engine = &mut engines[e];
                when(engine.works() && engine.writes() && engine.is_due() && engine.alive)?;
                when(engine.since < LEASE || self.has(Flaw::NoDeadline))?;
                (engine.heartbeat, engine.since) = (0, 0);
                (engine.beaten, engine.clock_set) = (true, false);
                engine.oversleeps = engine.will_oversleep;
                for judge in engines {
                    judge.suspects &= !(1 << e);
                }
            }
            Cut(e) => {
                let engine = &mut engines[e];
                when(engine.works() && engine.is_up() && engine.is_due())?;
                let over = engine.since >= LEASE - 1 && !self.has(Flaw::NoDeadline);
                when(over || !engine.alive && !engine.shut_out)?;
                *engine = Engine {
                    process: Lost,
                    shut_out: engine.shut_out,
                    runs: engine.runs,
                    ..engine.row()
                };
            }
            Release(e) => {
                when(engines[e].process == Lost && engines[e].writes())?;
                engines[e] = Engine::default();
                put_back(tasks, |engine| engine == e);
            }
            _ => self.try_other_step(tasks, engines, action)?,
        }
        Some(())
    }

    /// Judging, and what happens to an engine.
    fn try_other_step(
        &self,
        tasks: &mut [Task],
        engines: &mut [Engine],
        action: Action,
    ) -> Option<()> {
        match action {
            Look(e) => {
                let judge = &engines[e];
                when(judge.works() && judge.writes() && !judge.looked)?;
                let others = || engines.iter().enumerate().filter(|(other, _)| *other != e);
                // All that may beat have had the time to.
                when(!others().any(|(_, other)| {
                    other.works() && other.writes() && other.is_due() && !other.back
                }))?;
                when(judge.beaten || judge.back || judge.oversleeps)?;
                let are = |thirds| {
                    let silent = others().filter(move |(_, other)| other.is_silent_for(thirds));
                    silent.fold(0, |bits, (other, _)| bits | 1 << other)
                };
                let (mut dead, silent) = (are(LEASE), are(LEASE - 1));
                if !self.has(Flaw::OneLook) {
                    dead &= judge.suspects;
                }
                let stranded = |task: &Task| matches!(task.status, Running(by) if by != e && !engines[by].alive);
                // A look that sees nothing changes nothing.
                when(judge.suspects | silent != 0 || tasks.iter().any(stranded))?;
                for (other, engine) in engines.iter_mut().enumerate() {
                    if dead & 1 << other != 0 {
                        (engine.alive, engine.heartbeat) = (false, 0);
                    }
                }
                (engines[e].suspects, engines[e].looked) = (silent & !dead, true);
            }
            // Nobody judges himself.
            Recover(e) => {
                when(engines[e].works() && engines[e].writes() && engines[e].looked)?;
                when(put_back(tasks, |engine| {
                    engine != e && !engines[engine].alive
                }))?;
            }
            Suspend(e) => {
                when(engines[e].is_up())?;
                engines[e].suspended = true;
            }
            Resume(e) => {
                when(engines[e].suspended)?;
                (engines[e].suspended, engines[e].back) = (false, true);
            }
            Kill(e) => {
                when(engines[e].process != Gone)?;
                engines[e] = engines[e].row();
            }
            ShutOut(e) => {
                when(engines[e].writes())?;
                engines[e].shut_out = true;
            }
            LetIn(e) => {
                when(engines[e].shut_out)?;
                (engines[e].shut_out, engines[e].back) = (false, true);
            }
            SetClock => {
                for engine in engines {
                    engine.clock_set = engine.alive || engine.works();
                    engine.will_oversleep |= self.has(Flaw::WallClockSleep)
                        && (engine.works() && engine.shut_out && !engine.beaten);
                }
            }
            TimePasses => {
                when(engines.iter().all(|engine| self.is_on_time(engine)))?;
                for engine in engines {
                    let has_lease = matches!(engine.process, Starting | Working);
                    let later = |age: u8, counts| (age + u8::from(counts)).min(LEASE + 1);
                    engine.heartbeat = later(engine.heartbeat, engine.alive);
                    engine.since = later(engine.since, has_lease).min(LEASE);
                    engine.beaten = false;
                    // One that is suspended goes on where it was.
                    engine.back &= engine.suspended;
                    engine.looked &= engine.suspended;
                }
            }
            _ => unreachable!("a step of a worker"),
        }
        Some(())
    }
}

/// Says whether there was one.
fn put_back(tasks: &mut [Task], by: impl Fn(usize) -> bool) -> bool {
    let its = |task: &&mut Task| matches!(task.status, Running(engine) if by(engine));
    let put_back = tasks
        .iter_mut()
        .filter(its)
        .map(|task| task.status = Waiting);
    put_back.count() > 0
}

/// Whether no task has an outcome that isn't that of its last execution. It has one at most: nothing
/// leads from [`Ended`].
fn is_own_outcome(state: &State) -> bool {
    let own = |task: &Task| match task.status {
        Ended(execution) => execution == task.execution,
        _ => true,
    };
    state.tasks.iter().all(own)
}

/// Whether two engines execute a task at once, the first of which isn't excused.
fn overlaps(state: &State, excused: impl Fn(&Engine) -> bool) -> bool {
    let works = |engine: &&Engine| engine.works();
    let mut workers = state.engines.iter().filter(works);
    workers.any(|first| {
        let Some((task, execution)) = first.runs else {
            return false;
        };
        let again = |second: &Engine| {
            second.works()
                && second
                    .runs
                    .is_some_and(|(id, other)| id == task && other > execution)
        };
        !excused(first) && state.engines.iter().any(again)
    })
}

/// What an engine may be whose task is executed elsewhere too: suspended; back, until its heart has
/// had its turn; or kept waiting while the clock is set, so that it can't say that it is alive.
fn is_excused(engine: &Engine) -> bool {
    engine.suspended || engine.back || engine.shut_out && engine.clock_set
}

impl Lease {
    /// Whether all the tasks end, if nothing goes wrong any more, and there are two engines.
    fn heals(&self, state: &State) -> bool {
        let ended = |task: &Task| matches!(task.status, Ended(_));
        let mut state = state.clone();
        for e in 0..state.engines.len() {
            self.step(&mut state, Resume(e));
            self.step(&mut state, LetIn(e));
        }
        (0..3 * LEASE).any(|_| {
            self.step(&mut state, Start);
            for e in 0..state.engines.len() {
                for work in WORK {
                    self.step(&mut state, work(e));
                }
            }
            self.step(&mut state, TimePasses);
            state.tasks.iter().all(ended)
        })
    }
}

/// Each state that can be reached, and the step that leads there from an earlier one: by the
/// shortest way.
struct Explored(Vec<(State, Option<(usize, Action)>)>);

impl Explored {
    /// Goes on until a state is sought, and says which.
    fn new(model: &Lease, mut sought: impl FnMut(&State) -> bool) -> (Self, Option<usize>) {
        let task = Task {
            status: Waiting,
            execution: 0,
        };
        let first = State {
            tasks: [task; 2],
            engines: Vec::new(),
            faults: model.faults,
        };
        let mut known = HashSet::from([first.clone()]);
        let mut explored = vec![(first, None)];
        let mut at = 0;
        while at < explored.len() {
            let state = explored[at].0.clone();
            if sought(&state) {
                return (Self(explored), Some(at));
            }
            for action in state.actions() {
                let mut next = state.clone();
                if model.step(&mut next, action)
                    && next.tasks.iter().all(|task| task.execution <= EXECUTIONS)
                    && known.insert(next.clone())
                {
                    explored.push((next, Some((at, action))));
                }
            }
            at += 1;
        }
        (Self(explored), None)
    }

    /// What leads to a state, a step a line.
    fn trace(&self, to: usize) -> String {
        let (state, Some((from, action))) = &self.0[to] else {
            return String::new();
        };
        let mut trace = self.trace(*from);
        writeln!(trace, "{}", told(&self.0[*from].0, *action, state)).unwrap();
        trace
    }
}

/// What a step does, in a line.
fn told(before: &State, action: Action, after: &State) -> String {
    let engine = |e: usize| format!("engine {}", e + 1);
    let execution = |state: &State, e: usize| {
        let (task, execution) = state.engines[e].runs.unwrap();
        format!("execution {execution} of task {}", task + 1)
    };
    match action {
        Start => format!("{} is noted", engine(before.engines.len())),
        Begin(e) => format!("{} begins", engine(e)),
        Acquire(e) => format!("{} starts {}", engine(e), execution(after, e)),
        End(e) => {
            let kept = before.tasks != after.tasks;
            let kept = if kept { "recorded" } else { "refused" };
            format!("{} ends {}: {kept}", engine(e), execution(before, e))
        }
        Beat(e) => format!("{} beats", engine(e)),
        Cut(e) => format!("{} has lost its lease", engine(e)),
        Release(e) => format!("{} gives back what it had", engine(e)),
        Look(e) => {
            let both = before.engines.iter().zip(&after.engines);
            let died = both
                .enumerate()
                .filter(|(_, (before, after))| before.alive && !after.alive);
            let died = died.map(|(other, _)| format!(", and {} is dead", engine(other)));
            format!("{} looks{}", engine(e), died.collect::<String>())
        }
        Recover(e) => format!("{} puts back the tasks of the dead", engine(e)),
        Suspend(e) => format!("{} is suspended", engine(e)),
        Resume(e) => format!("{} is resumed", engine(e)),
        Kill(e) => format!("{} is killed", engine(e)),
        ShutOut(e) => format!("the database keeps {} waiting", engine(e)),
        LetIn(e) => format!("the database lets {} in", engine(e)),
        SetClock => "the clock is set".to_owned(),
        TimePasses => "a third of a lease passes".to_owned(),
    }
}

#[test]
fn the_protocol_keeps_its_promises_whatever_the_order_of_events() {
    let model = Lease {
        flaw: None,
        faults: 2,
    };
    // An engine that is excused needs to be.
    let (mut suspended, mut back, mut shut_out) = (false, false, false);
    let (explored, broken) = Explored::new(&model, |state| {
        suspended |= overlaps(state, |first| !first.suspended);
        back |= overlaps(state, |first| {
            first.suspended || !first.back || first.shut_out
        });
        shut_out |= overlaps(state, |first| {
            first.suspended || first.back || !first.shut_out
        });
        !(model.heals(state) && is_own_outcome(state) && !overlaps(state, is_excused))
    });
    assert!(broken.is_none(), "{}", explored.trace(broken.unwrap()));
    assert_eq!((suspended, back, shut_out), (true, true, true));
    assert!(
        explored.0.len() > 100_000,
        "only {} states",
        explored.0.len()
    );
}

#[test]
fn each_flaw_breaks_a_promise() {
    for (flaw, faults) in [
        (Flaw::NoFencing, 1),
        (Flaw::OneLook, 1),
        (Flaw::NoDeadline, 1),
        (Flaw::LateCount, 1),
        (Flaw::WallClockSleep, 2),
    ] {
        let model = Lease {
            flaw: Some(flaw),
            faults,
        };
        let (explored, broken) = Explored::new(&model, |state| match flaw {
            Flaw::NoFencing => !is_own_outcome(state),
            _ => overlaps(state, is_excused),
        });
        let broken = broken.unwrap_or_else(|| panic!("{flaw:?} breaks nothing"));
        insta::assert_snapshot!(format!("{flaw:?}"), explored.trace(broken));
    }
}
