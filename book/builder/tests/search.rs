//! The search, run by a JavaScript engine when there is one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use book::build;
use book::files::files;

use crate::fixture::Fixture;

/// Loads the library and the index of a built book as its pages do, then
/// prints the number of results of each query.
const SCRIPT: &str = r"
const fs = require('fs'), vm = require('vm');
const [library, index, ...queries] = process.argv.slice(2);
const window = { search: {} };
const context = vm.createContext({ window, console });
vm.runInContext(fs.readFileSync(library, 'utf8'), context);
vm.runInContext(fs.readFileSync(index, 'utf8'), context);
const loaded = vm.runInContext('elasticlunr.Index.load(window.search.index)', context);
const options = window.search.search_options;
console.log(queries.map(query => loaded.search(query, options).length).join(' '));
";

#[test]
fn accents_elisions_and_plurals_are_all_one_word() {
    let fixture = Fixture::new();
    fixture.add("Ici l’état, là les tâches exécutées.");
    fixture.page();
    let built = files(&build::site(fixture.root())).unwrap();
    let find = |start: &str| -> PathBuf {
        let is = |path: &&PathBuf| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(start)
        };
        built.iter().find(is).unwrap().clone()
    };
    fixture.write("search.js", SCRIPT);
    let output = Command::new("node")
        .arg(fixture.root().join("search.js"))
        .args([find("elasticlunr-"), find("searchindex-")])
        .args([
            "état",
            "etat",
            "l'état",
            "L’ÉTAT",
            "états",
            "tâche",
            "exécuter",
            "absent",
        ])
        .output();
    let Ok(output) = output else {
        // Without an engine, at least the library must carry our script.
        let library = fs::read_to_string(find("elasticlunr-")).unwrap();
        assert!(library.contains("Makes elasticlunr read French"));
        return;
    };
    let counts = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        counts.trim(),
        "1 1 1 1 1 1 1 0",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
