//! Figures, from the output of the benchmarks to the sentence of a chapter.

use book::measure::measure;

use crate::fixture::{Fixture, assert_says};

const OUTPUT: &str = "\
SQLite 3.53.0, medians of 5 rounds.

|                    |  engine | bare loop | ratio | bare, by 256 | ratio |
|--------------------|--------:|----------:|------:|-------------:|------:|
| create, one by one |  1034/s |    1100/s |  0.94 |      90000/s |  0.01 |
| execute            |         |     551/s |       |              |       |
| start in p50       | 0.81 ms |   0.79 ms |  1.03 |              |       |

idle engine: 0.05 % of a core
200 tasks created by another process: p50 1.2 ms, p99 3.4 ms
share of a drained task, searching the next tasks: 30 %
share of a drained task, writing that they run: 11 %
share of a drained task, writing that they have ended: 12 %
share of a drained task, writing the log: 8 %
share of a drained task, transactions and their file: 16 %
share of a drained task, executing and passing on: 23 %
";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("output.txt", OUTPUT);
    let output = fixture.root().join("output.txt");
    measure(fixture.root(), Some(&output)).unwrap();
    fixture
}

#[test]
fn a_figure_stands_within_a_sentence() {
    let fixture = fixture();
    fixture.add(
        "Le moteur crée {{#measure create, one by one engine}}, soit {{#measure create, one by one ratio}}.\n\
         | {{#measure number create, one by one engine}} |\n\
         Au repos, il prend {{#measure idle engine engine}} d’un cœur.\n\
         Il démarre en {{#measure start in p50 engine}}, mesuré {{#measure machine}}.",
    );
    assert_says(
        &fixture.page(),
        &[
            "Le moteur crée 1\u{a0}034\u{a0}tâches par seconde, soit 0,94.",
            "| 1\u{a0}034 |",
            "il prend 0,05\u{a0}% d’un cœur.",
            "démarre en 0,81\u{a0}ms, mesuré le ",
            "\u{a0}cœurs (",
            "), Linux ",
        ],
    );
}

#[test]
fn shares_are_drawn_from_the_largest_one_on() {
    let fixture = fixture();
    fixture.add("{{#shares}}");
    assert_says(
        &fixture.page(),
        &[
            "<tbody>\n<tr><th scope=\"row\">Chercher les tâches qui viennent</th><td>30\u{a0}%</td>",
            "<span style=\"inline-size: 30%\"></span></td></tr>\n<tr><th scope=\"row\">Exécuter,",
            "<th scope=\"row\">Écrire le journal</th><td>8\u{a0}%</td>\
             <td><span style=\"inline-size: 8%\"></span></td></tr>\n</tbody>",
        ],
    );
}

#[test]
fn an_unknown_figure_is_refused() {
    let fixture = fixture();
    fixture.add("{{#measure create engine}} {{#measure execute ratio}} {{#measure}}");
    assert_says(
        &fixture.refusal(),
        &[
            "book/src/two.md:9: ",
            "has no measure \"create\"; it has: create, one by one; execute; idle engine; share of a drained task, executing and passing on; ",
            "\"execute\" has no \"ratio\"; it has: bare",
            "{{#measure}} is written {{#measure NAME COLUMN}}",
        ],
    );
}

#[test]
fn figures_are_measured_before_they_are_told() {
    let fixture = Fixture::new();
    fixture.add("{{#measure execute engine}}");
    assert_says(&fixture.refusal(), &["run cargo run -p book -- measure"]);
}

#[test]
fn an_output_without_figures_is_refused() {
    let fixture = Fixture::new();
    for (output, reason) in [
        ("round 1 of 5\n", "no figure"),
        ("| create | 1/s |\n", "not 5 figures"),
    ] {
        fixture.write("output.txt", output);
        let path = fixture.root().join("output.txt");
        let error = measure(fixture.root(), Some(&path)).unwrap_err();
        assert_says(&error.to_string(), &[reason]);
        assert!(!fixture.root().join("book/measures.json").exists());
    }
}
