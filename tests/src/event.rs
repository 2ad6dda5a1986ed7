use std::collections::BTreeMap;

use jiff::Timestamp;

/// What a line of the log begins with.
const TIMESTAMP: &str = "2026-11-24T03:44:53.095420Z";
const LEVELS: [&str; 4] = ["Z ERROR ", "Z  WARN ", "Z  INFO ", "Z DEBUG "];

/// A line of the log: a timestamp, a level, a message, and fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was logged.
    pub time: Timestamp,
    /// The words before the first field.
    pub message: String,
    /// The fields, by name.
    pub fields: BTreeMap<String, String>,
}

impl Event {
    /// Reads a line of the log; other lines give nothing.
    ///
    /// What Rust says of a panic is written piece by piece, on the same output: the end of such a
    /// piece may come first.
    pub fn parse(line: &str) -> Option<Self> {
        let end = LEVELS.iter().find_map(|level| line.find(level))? + "Z".len();
        let time = line.get(end.checked_sub(TIMESTAMP.len())?..end)?;
        let time = time.parse().ok()?;
        let (_level, told) = line[end..].trim_start().split_once(' ')?;
        // Perhaps after the span of an execution.
        let in_span = told.strip_prefix("execution{");
        let words = in_span.and_then(|span| span.split_once("}: "));
        let words = words.map_or(told, |(_, words)| words).split_whitespace();
        let mut message = Vec::new();
        let mut fields: Vec<(String, String)> = Vec::new();
        for word in words {
            match (word.split_once('='), fields.last_mut()) {
                (Some((name, value)), _) => fields.push((name.to_owned(), value.to_owned())),
                (None, Some((_, value))) => *value = format!("{value} {word}"),
                (None, None) => message.push(word),
            }
        }
        let message = message.join(" ");
        let fields = fields.into_iter().collect();
        Some(Self {
            time,
            message,
            fields,
        })
    }

    /// The number in this field, if there is one.
    pub fn number(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.parse().ok()
    }

    /// The task that this event is about.
    pub fn task(&self) -> Option<i64> {
        self.number("task")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_read() {
        let line =
            "2026-11-24T03:44:53.095420Z  INFO task finished worker=0 task=17 elapsed_ms=501";
        let event = Event::parse(line).unwrap();
        assert_eq!(event.message, "task finished");
        assert_eq!(event.task(), Some(17));
        assert_eq!(event.number("elapsed_ms"), Some(501));
    }

    #[test]
    fn a_span_may_come_before() {
        let line = "2026-11-24T03:44:53.095420Z  INFO execution{task=17 kind=\"x\"}: task started worker=0 task=17";
        let event = Event::parse(line).unwrap();
        assert_eq!(event.message, "task started");
        assert_eq!(event.task(), Some(17));
    }

    #[test]
    fn a_value_may_have_several_words() {
        let line =
            "2026-11-24T03:44:53.095420Z ERROR stopped at once signal=\"SIGINT\" tasks={1, 2}";
        let event = Event::parse(line).unwrap();
        assert_eq!(event.message, "stopped at once");
        assert_eq!(event.fields["tasks"], "{1, 2}");
    }

    #[test]
    fn a_line_may_come_after_a_piece_of_another() {
        let line = "at worker.rs:7912026-11-24T03:44:53.095420Z  INFO task finished task=17";
        let event = Event::parse(line).unwrap();
        assert_eq!(event.message, "task finished");
        assert_eq!(event.time, TIMESTAMP.parse().unwrap());
    }

    #[test]
    fn other_lines_are_not() {
        assert_eq!(Event::parse("error: no such file"), None);
        assert_eq!(Event::parse("20 tasks created"), None);
        assert_eq!(Event::parse(""), None);
    }
}
