//! `engines`: those that are alive, and the last ones.

use anyhow::Result;
use jiff::Timestamp;
use step46_chaining::{EngineRecord, Reader};

use super::output::print;

pub async fn engines(reader: &Reader, limit: u32) -> Result<()> {
    let engines = reader.list_engines(Timestamp::now(), limit).await?;
    let lines: Vec<_> = engines.iter().map(line).collect();
    print(&lines)
}

fn line(engine: &EngineRecord) -> String {
    let EngineRecord {
        id,
        status,
        started_at,
        heartbeat_at,
        host,
        pid,
        ..
    } = engine;
    let name = engine.name.replace('\n', " ");
    let running: Vec<_> = engine.running.iter().map(ToString::to_string).collect();
    let running = running.join(" ");
    let line = format!(
        "{id:>6}  {status:<7}  {started_at:.0}  {heartbeat_at:.0}  {name}  {host}:{pid}  {running}"
    );
    line.trim_end().to_owned()
}
