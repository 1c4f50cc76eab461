//! The action for GitHub: its files, and its scripts, run as a runner runs them.

#![cfg(unix)] // The scripts are for bash, on the runners that have it.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{articles, csv_of, folder, put, root};
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

const MARKER: &str = "<!-- kzstance-evaluation:invented -->";
const YAML: [&str; 3] = ["action.yml", ".github/workflows/ci.yml", ".github/workflows/evaluate.yml"];

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

fn scripts() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(".github/scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sh"))
        .collect();
    found.sort();
    found
}

/// Whether a program is there; where everything is demanded, it must be.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    let demanded = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(found || !demanded, "{program} is not installed");
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// All steps of an action or a workflow.
fn steps<'y>(yaml: &'y Yaml<'y>) -> Vec<&'y Yaml<'y>> {
    let of = |holder: &'y Yaml<'y>| {
        holder
            .as_mapping_get("steps")
            .and_then(Yaml::as_sequence)
            .map(|steps| steps.iter().collect::<Vec<_>>())
    };
    match (yaml.as_mapping_get("runs"), yaml.as_mapping_get("jobs").and_then(Yaml::as_mapping)) {
        (Some(runs), _) => of(runs).unwrap(),
        (_, Some(jobs)) => jobs.values().flat_map(|job| of(job).unwrap()).collect(),
        _ => Vec::new(),
    }
}

fn text<'y>(step: &'y Yaml<'y>, key: &str) -> Option<&'y str> {
    step.as_mapping_get(key).and_then(Yaml::as_str)
}

// The files

#[test]
fn no_input_is_put_into_a_script_and_every_action_has_its_version() {
    for name in YAML {
        let source = read(name);
        let documents = Yaml::load_from_str(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(documents.len(), 1, "{name}");
        let steps = steps(&documents[0]);
        assert!(!steps.is_empty(), "{name}");
        for step in steps {
            match (text(step, "run"), text(step, "uses")) {
                (Some(run), None) => {
                    assert!(!run.contains("${{"), "{name}: an expression in a script: {run}");
                    // A step of an action has no shell of its own.
                    assert!(name != "action.yml" || text(step, "shell") == Some("bash"), "{name}: {run}");
                }
                (None, Some("./")) => {}
                (None, Some(uses)) => {
                    let version = uses.split_once('@').unwrap_or_else(|| panic!("{name}: {uses}")).1;
                    assert!(version.starts_with('v') || version.len() == 40, "{name}: {uses}");
                }
                both => panic!("{name}: a step runs or uses: {both:?}"),
            }
        }
    }
}

#[test]
fn every_input_is_described_and_used_and_every_script_is_there() {
    let source = read("action.yml");
    let yaml = &Yaml::load_from_str(&source).unwrap()[0];
    assert_eq!(text(yaml.as_mapping_get("runs").unwrap(), "using"), Some("composite"));
    let inputs = yaml.as_mapping_get("inputs").and_then(Yaml::as_mapping).unwrap();
    let names: BTreeSet<&str> = inputs.keys().filter_map(Yaml::as_str).collect();
    for wanted in ["labels", "axis", "folds", "gates", "baseline", "report", "comment", "token", "args"] {
        assert!(names.contains(wanted), "{wanted}");
    }
    for (name, input) in inputs {
        let name = name.as_str().unwrap();
        assert!(text(input, "description").is_some() && text(input, "default").is_some(), "{name}");
        assert!(source.contains(&format!("inputs.{name} ")), "{name} is not used");
    }
    for (at, _) in source.match_indices("inputs.") {
        let used: String = source[at + 7..].chars().take_while(|c| c.is_alphanumeric()).collect();
        assert!(names.contains(used.as_str()), "there is no input {used}");
    }
    let mut called = BTreeSet::new();
    for run in steps(yaml).into_iter().filter_map(|step| text(step, "run")) {
        if let Some((_, script)) = run.split_once("$ACTION_PATH/.github/scripts/") {
            called.insert(script.trim_end_matches('"').to_owned());
        }
    }
    let there: BTreeSet<String> =
        scripts().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(called, there);
}

#[test]
fn the_workflow_may_read_and_comment_and_no_more() {
    let source = read(".github/workflows/evaluate.yml");
    let yaml = &Yaml::load_from_str(&source).unwrap()[0];
    let permissions = yaml.as_mapping_get("permissions").and_then(Yaml::as_mapping).unwrap();
    let given: Vec<(&str, &str)> =
        permissions.iter().map(|(what, how)| (what.as_str().unwrap(), how.as_str().unwrap())).collect();
    assert_eq!(given, [("contents", "read"), ("pull-requests", "write")]);
    // It would run what a stranger's pull request brings with the rights of the repository.
    assert!(!source.contains("pull_request_target"));
}

#[test]
fn the_scripts_are_sound_to_bash_and_to_shellcheck() {
    assert!(scripts().len() >= 4);
    for script in scripts() {
        let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    if has("shellcheck") {
        let checked = Command::new("shellcheck").args(scripts()).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

// The scripts

/// Runs a script in a folder with these variables and nothing else of its kind.
fn run(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .arg(root().join(".github/scripts").join(script))
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .envs(std::env::var_os("HOME").map(|home| ("HOME", home)))
        .env("GITHUB_OUTPUT", folder.join("output"))
        .env("GITHUB_STEP_SUMMARY", folder.join("step-summary.md"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    stdout(output)
}

fn content(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// Puts a program on the path of [`run`].
fn program(folder: &Path, name: &str, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = put(folder, &format!("bin/{name}"), format!("#!/usr/bin/env bash\n{script}"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// A `gh` that writes down how it is called and what it is given, and answers from files; it fails with the
/// status 403 for what `refuse` matches.
fn fake_gh(folder: &Path, comments: &Value, refuse: &str) {
    put(folder, "comments.json", comments.to_string());
    program(
        folder,
        "gh",
        &format!(
            r#"printf '%s\n' "$*" >>calls
if [[ -n "{refuse}" && "$*" == *{refuse}* ]]; then
  printf '{{"message":"Resource not accessible"}}'
  printf 'gh: Resource not accessible by integration (HTTP 403)\n100 %%\n' >&2
  exit 1
fi
case "$*" in
  "api user --jq .login") exit 1 ;;
  *--paginate*) cat comments.json ;;
  *--input*) cat >body ;;
  *) exit 9 ;;
esac
"#
        ),
    );
}

fn comment(folder: &Path) -> Output {
    let variables = [
        ("REPORT", "report"),
        ("STATUS", "1"),
        ("REPOSITORY", "owner/name"),
        ("PULL_REQUEST", "7"),
        ("GH_TOKEN", "invented"),
    ];
    run("comment.sh", folder, &variables)
}

fn said_by(login: &str, id: u64, body: &str) -> Value {
    json!({"id": id, "user": {"login": login}, "body": body})
}

fn body(folder: &Path) -> String {
    let body: Value = serde_json::from_str(&content(folder, "body")).unwrap();
    body["body"].as_str().unwrap().to_owned()
}

#[test]
fn the_first_run_writes_a_comment() {
    if !has("jq") {
        return;
    }
    let folder = folder();
    let text = format!("{MARKER}\n# قناة \"x\" `$(false)` \\n\n");
    put(folder.path(), "report/comment.md", &text);
    // Someone else's marker, our own without it, and one that only quotes it.
    let others = json!([
        said_by("stranger", 1, MARKER),
        said_by("github-actions[bot]", 2, "<!-- kzstance-evaluation:another -->"),
        said_by("github-actions[bot]", 3, &format!("> {MARKER}")),
        {"id": 4, "user": {"login": "github-actions[bot]"}, "body": null},
    ]);
    fake_gh(folder.path(), &others, "");
    assert_eq!(succeeds(&comment(folder.path())), "");
    let calls = content(folder.path(), "calls");
    assert!(calls.contains("api --paginate repos/owner/name/issues/7/comments?per_page=100\n"), "{calls}");
    assert!(calls.ends_with("api -X POST repos/owner/name/issues/7/comments --input -\n"), "{calls}");
    assert_eq!(body(folder.path()), text);
}

#[test]
fn later_runs_update_the_comment_in_place() {
    if !has("jq") {
        return;
    }
    let folder = folder();
    put(folder.path(), "report/comment.md", format!("{MARKER}\nnew\n"));
    let comments = [
        json!([said_by("stranger", 1, MARKER)]),
        json!([
            said_by("github-actions[bot]", 22, &format!("{MARKER}\r\nold")),
            said_by("github-actions[bot]", 23, MARKER)
        ]),
    ];
    fake_gh(folder.path(), &comments[0], "");
    // Pages follow one another.
    put(folder.path(), "comments.json", format!("{}{}", comments[0], comments[1]));
    succeeds(&comment(folder.path()));
    let calls = content(folder.path(), "calls");
    assert!(calls.ends_with("api -X PATCH repos/owner/name/issues/comments/22 --input -\n"), "{calls}");
    assert!(!calls.contains("POST"), "{calls}");
    assert_eq!(body(folder.path()), format!("{MARKER}\nnew\n"));
}

#[test]
fn a_comment_is_cut_to_what_is_allowed() {
    if !has("jq") {
        return;
    }
    let folder = folder();
    put(folder.path(), "report/comment.md", format!("{MARKER}\n{}", "ق".repeat(70_000)));
    fake_gh(folder.path(), &json!([]), "");
    succeeds(&comment(folder.path()));
    assert_eq!(body(folder.path()).chars().count(), 65_000);
}

#[test]
fn a_token_that_may_not_comment_is_a_warning() {
    if !has("jq") {
        return;
    }
    for refuse in ["--paginate", "POST"] {
        let folder = folder();
        put(folder.path(), "report/comment.md", format!("{MARKER}\nnew\n"));
        fake_gh(folder.path(), &json!([]), refuse);
        let said = succeeds(&comment(folder.path()));
        assert!(
            said.starts_with("::warning title=kzstance::") && said.contains("(HTTP 403)%0A100 %25"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn without_a_comment_or_its_marker_nothing_is_asked_of_github() {
    let folder = folder();
    fake_gh(folder.path(), &json!([]), "");
    assert!(succeeds(&comment(folder.path())).starts_with("no comment: the evaluation ended with status 1"));
    put(folder.path(), "report/comment.md", "no marker\n");
    assert!(succeeds(&comment(folder.path())).contains("does not begin with its marker"));
    assert_eq!(content(folder.path(), "calls"), "");
}

#[test]
fn the_summary_is_the_reports_or_says_that_there_is_none() {
    let folder = folder();
    let summary = || succeeds(&run("summary.sh", folder.path(), &[("REPORT", "a report"), ("STATUS", "3")]));
    put(folder.path(), "step-summary.md", "before\n");
    summary();
    let said = content(folder.path(), "step-summary.md");
    assert!(
        said.starts_with("before\n") && said.contains("ended with status 3 and wrote no report"),
        "{said}"
    );
    put(folder.path(), "step-summary.md", "");
    put(folder.path(), "a report/summary.md", "# All is well\n");
    summary();
    assert_eq!(content(folder.path(), "step-summary.md"), "# All is well\n");
    // Above a mebibyte GitHub would drop all of it.
    put(folder.path(), "step-summary.md", "");
    put(folder.path(), "a report/summary.md", "| قناة |\n".repeat(200_000));
    summary();
    let said = content(folder.path(), "step-summary.md");
    assert!(
        said.len() < 1 << 20 && said.ends_with("| قناة |\n\n\nThe summary goes on in the uploaded report.\n")
    );
}

#[test]
fn the_inputs_become_arguments_word_for_word() {
    let folder = folder();
    let kzstance =
        program(folder.path(), "kzstance", "printf '%s\\n' \"$@\" >given\nprintf '::error::no\\n'\nexit 1\n");
    put(folder.path(), "my labels/gates.toml", "");
    put(folder.path(), "my labels/baseline.json", "");
    put(folder.path(), "out/summary.md", "of before");
    let variables = [
        ("KZSTANCE", kzstance.as_str()),
        ("LABELS", "my labels/"),
        ("REPORT", "out"),
        ("AXIS", "stance\r\nmood=calm,so so\n"),
        ("FOLDS", "loo"),
        ("ARGS", "--gate\nstance.n >= 5\n$(touch broken)\n`touch broken`; touch broken"),
    ];
    let said = succeeds(&run("evaluate.sh", folder.path(), &variables));
    let given = content(folder.path(), "given");
    assert_eq!(
        given.lines().collect::<Vec<_>>(),
        [
            "evaluate",
            "my labels/",
            "--report",
            "out",
            "--axis",
            "stance",
            "--axis",
            "mood=calm,so so",
            "--folds",
            "loo",
            "--gates",
            "my labels/gates.toml",
            "--baseline",
            "my labels/baseline.json",
            "--gate",
            "stance.n >= 5",
            "$(touch broken)",
            "`touch broken`; touch broken",
        ]
    );
    assert!(!folder.path().join("broken").exists() && !folder.path().join("out/summary.md").exists());
    // A failed gate is for a later step; what the program prints is no command to the runner.
    assert_eq!(content(folder.path(), "output"), "status=1\n");
    let lines: Vec<&str> = said.lines().collect();
    let stop = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert!(
        stop.len() == 32 && lines[1] == "::error::no" && *lines.last().unwrap() == format!("::{stop}::"),
        "{said}"
    );

    let variables =
        [("KZSTANCE", kzstance.as_str()), ("LABELS", "own.csv"), ("REPORT", "out"), ("GATES", "g.toml")];
    succeeds(&run("evaluate.sh", folder.path(), &variables));
    let given = content(folder.path(), "given");
    assert_eq!(given, "evaluate\nown.csv\n--report\nout\n--gates\ng.toml\n");
}

#[test]
fn the_real_program_is_run_and_its_status_kept() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let evaluate = |labels: &str| {
        put(folder.path(), "output", "");
        let kzstance = env!("CARGO_BIN_EXE_kzstance");
        let variables = [
            ("KZSTANCE", kzstance),
            ("LABELS", labels),
            ("REPORT", "out"),
            ("AXIS", "stance"),
            ("FOLDS", "3"),
        ];
        let output = run("evaluate.sh", folder.path(), &variables);
        (
            succeeds(&output),
            String::from_utf8_lossy(&output.stderr).into_owned(),
            content(folder.path(), "output"),
        )
    };
    let (said, _, status) = evaluate("own.csv");
    assert_eq!(status, "status=0\n");
    assert!(said.contains("macro-F1"), "{said}");
    let saved: Value = serde_json::from_str(&content(folder.path(), "out/evaluation.json")).unwrap();
    assert!(saved["schema"].as_str().unwrap().starts_with("kzstance-evaluation/"));
    let (_, error, status) = evaluate("missing.csv");
    assert_eq!(status, "status=3\n", "{error}");
    assert!(error.contains("missing.csv"), "{error}");
}

#[test]
fn another_source_is_another_version() {
    let folder = folder();
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs", "models/a.kzm"] {
        put(folder.path(), name, name);
    }
    let here = folder.path().display().to_string();
    let version = || {
        put(folder.path(), "output", "");
        succeeds(&run("version.sh", folder.path(), &[("ACTION_PATH", &here)]));
        content(folder.path(), "output")
    };
    let first = version();
    let hexadecimal = |c: char| c.is_ascii_hexdigit();
    let named = first.trim_end().strip_prefix("version=").unwrap().split_once('-').unwrap();
    assert!(named.0.len() == 64 && named.1.len() == 16, "{first}");
    assert!(named.0.chars().all(hexadecimal) && named.1.chars().all(hexadecimal), "{first}");
    assert_eq!(version(), first);
    put(folder.path(), "labels.csv", "not part of the program");
    assert_eq!(version(), first);
    put(folder.path(), "src/main.rs", "changed");
    assert_ne!(version(), first);
}
