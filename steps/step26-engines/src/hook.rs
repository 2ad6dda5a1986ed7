//! What surrounds the executions.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::vec;

use futures_util::FutureExt;

use crate::handler::BoxFuture;
use crate::trace::PanicPlace;
use crate::{Context, Handler, Outcome, TaskError};

/// Code that runs around executions, under a name; cheap to clone.
#[derive(Clone)]
pub(crate) struct Hook {
    name: Arc<str>,
    code: Arc<dyn Fn(Context, Rest) -> BoxFuture + Send + Sync>,
}

impl Hook {
    pub fn new<F, Fut>(name: &str, code: F) -> Self
    where
        F: Fn(Context, Rest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        Self {
            name: name.into(),
            code: Arc::new(move |context, rest| Box::pin(code(context, rest))),
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.name).finish()
    }
}

/// What a hook surrounds: the hooks that come after it, and the task.
#[must_use = "without run, the task isn't executed"]
#[derive(Debug)]
pub struct Rest {
    hooks: vec::IntoIter<Hook>,
    handler: Handler,
}

impl Rest {
    pub(crate) fn new(hooks: Vec<Hook>, handler: Handler) -> Self {
        Self {
            hooks: hooks.into_iter(),
            handler,
        }
    }

    /// Executes the task, with what is still around it. A panic is an error as another; dropped, it
    /// stops where it is.
    ///
    /// # Errors
    /// Those of the task, and of the hooks that come after this one.
    pub async fn run(mut self, context: Context) -> Outcome {
        let hook = self.hooks.next();
        let name = hook.as_ref().map(|hook| hook.name.clone());
        let code = AssertUnwindSafe(async move {
            match hook {
                Some(hook) => (hook.code)(context, self).await,
                None => self.handler.execute(context).await,
            }
        });
        let caught = code.catch_unwind().await;
        let outcome =
            caught.unwrap_or_else(|panic| Err(TaskError::of_panic(panic, PanicPlace::current())));
        outcome.map_err(|error| error.made_by(name.as_deref()))
    }
}

/// A hook that calls this function with each failure, of the task or of another hook, unless what it
/// surrounds is dropped before. If it panics, the failure stays what it was.
pub fn report_failures<F>(report: F) -> impl Fn(Context, Rest) -> BoxFuture + Send + Sync
where
    F: Fn(&Context, &TaskError) + Clone + Send + Sync + 'static,
{
    move |context, rest| {
        let report = report.clone();
        Box::pin(async move {
            let outcome = rest.run(context.clone()).await;
            outcome.inspect_err(|error| {
                // A panic of the report must not take the place of what it reports: it is told where
                // all panics are.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| report(&context, error)));
            })
        })
    }
}

/// How many tasks of each kind this program has executed, and how long it took; cheap to clone, each
/// clone counts with the others.
#[derive(Debug, Clone, Default)]
pub struct Measures {
    kinds: Arc<Mutex<BTreeMap<String, KindMeasures>>>,
}

/// Those of one kind.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindMeasures {
    /// How many executions have ended; one that is dropped has not.
    pub executions: u64,
    /// How many of them have failed.
    pub failures: u64,
    /// How long they took together.
    pub total: Duration,
    /// How long the longest took.
    pub longest: Duration,
}

impl Measures {
    /// The hook that measures what it surrounds.
    pub fn hook(&self) -> impl Fn(Context, Rest) -> BoxFuture + Send + Sync + use<> {
        let kinds = self.kinds.clone();
        move |context, rest| {
            let kinds = kinds.clone();
            Box::pin(async move {
                let (kind, start) = (context.task.kind.clone(), Instant::now());
                let outcome = rest.run(context).await;
                let time = start.elapsed();
                let mut kinds = kinds.lock().unwrap_or_else(PoisonError::into_inner);
                let measures = kinds.entry(kind).or_default();
                measures.executions += 1;
                measures.failures += u64::from(outcome.is_err());
                measures.total += time;
                measures.longest = measures.longest.max(time);
                outcome
            })
        }
    }

    /// What was measured so far, kind by kind.
    pub fn kinds(&self) -> BTreeMap<String, KindMeasures> {
        let kinds = self.kinds.lock();
        kinds.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
