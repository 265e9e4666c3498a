//! `cresset check` through the program itself: what it is asked about, and that it passes nothing that a build refuses.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{cresset, said};

/// A small project that is sound.
fn project() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc", "--empty"], 0);
    let root = folder.path().join("soc");
    (folder, root)
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

/// The sound detection with another identity, observing something else.
fn detection(root: &Path, name: &str, observe: &str) {
    let text = fs::read_to_string(root.join("detections/host_process_namespace.yml")).expect("a detection");
    let (head, _) = text.split_once("\nobserve:").expect("what it observes");
    let rest = head.split_once("\ntitle:").expect("its title").1;
    let rest = rest.split_once('\n').expect("its end").1;
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
    write(root, &format!("detections/{name}.yml"), &format!("id: {id}\ntitle: Test {name}\n{rest}\n{observe}"));
}

/// What stands after the snippets: the sentence and the place.
fn told_by(root: &Path, args: &[&str]) -> String {
    let output = cresset(root, args);
    assert_eq!(output.status.code(), Some(1), "cresset {}", args.join(" "));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// One argument of a process, which three of four targets have in a line with all others.
const ONE_ARGUMENT: &str = "observe:\n  process:\n    a: { process.args: -x }\n    condition: a\ntests: []\n";

#[test]
fn what_targets_cannot_say_is_told_by_check_and_once() {
    let (_folder, root) = project();
    detection(&root, "argument", ONE_ARGUMENT);
    let checked = said(&root, &["check"], 1);
    assert_eq!(checked.matches("E0804").count(), 1, "{checked}");
    assert!(checked.contains("Falco, Sigma and Splunk cannot say what `argument` looks for"), "{checked}");
    let problem = checked.split("\n\n").find(|part| part.contains("E0804")).expect("a problem");
    assert!(told_by(&root, &["build"]).contains(problem), "{problem}");
    assert!(said(&root, &["check", "detections/argument.yml"], 1).contains(problem), "{problem}");
    // Every target's reason is there in a pull request, too.
    let notice = said(&root, &["check", "--format", "github"], 1);
    let notice = notice.lines().find(|line| line.contains("E0804")).expect("a notice");
    for target in ["Falco", "Sigma", "Splunk"] {
        assert!(notice.contains(&format!("{target} has the arguments joined")), "{notice}");
    }
    said(&root, &["check", "detections/host_process_namespace.yml", "--deny-warnings"], 0);
}

#[test]
fn a_detection_is_judged_as_profiles_and_exceptions_make_it() {
    let (_folder, root) = project();
    let off = "name: NAME\ntargets: { elastic: { sources: { process: { binding: auditd } } } }\n";
    write(&root, "cresset.yml", &off.replace("NAME", "here"));
    let told = said(&root, &["check"], 1);
    assert!(told.contains("Elastic has no command line for `process.args`"), "{told}");
    assert_eq!(said(&root, &["check", "detections"], 1), told);
    write(&root, "other.yml", "name: other\ndetections: { leave_out: [host_process_namespace] }\n");
    said(&root, &["check", "--profile", "other.yml"], 0);
    fs::remove_file(root.join("cresset.yml")).expect("removed");
    said(&root, &["check"], 0);
    let exception = "detections: [host_process_namespace]\nreason: The bastion.\nowner: platform\nexpires: 2099-03-31\n\
                     observe:\n  kubernetes_audit:\n    net: { sourceIPs|cidr: 10.0.0.0/8 }\n    condition: net\n";
    write(&root, "exceptions/bastion.yml", exception);
    let told = said(&root, &["check"], 1);
    assert!(told.contains("Elastic and Falco cannot except this"), "{told}");
}

#[test]
fn a_target_with_mistakes_is_told() {
    let (_folder, root) = project();
    write(&root, "templates/mine/target.yml", "name: other\n");
    assert!(said(&root, &["check"], 1).contains("E0801"));
    said(&root, &["check", "detections/host_process_namespace.yml"], 0);
    fs::remove_dir_all(root.join("templates")).expect("removed");
    write(&root, "elsewhere/mine/target.yml", "name: other\n");
    said(&root, &["check"], 0);
    assert!(said(&root, &["check", "--templates", "elsewhere"], 1).contains("E0801"));
}

#[test]
fn everything_in_a_project_can_be_asked_about() {
    let (folder, root) = project();
    write(&root, "cresset.yml", "name: here\n");
    let exception = "detections: [host_process_namespace]\nreason: The bastion.\nowner: platform\nexpires: 2099-03-31\n\
                     observe:\n  process:\n    bob: { user.name: bob }\n    condition: bob\n";
    write(&root, "exceptions/bob.yml", exception);
    let all = ["detections", "detections/lists.yml", "exceptions/bob.yml", "exceptions", "cresset.yml"];
    for path in all {
        said(&root, &["check", "--deny-warnings", path], 0);
    }
    said(&root, &[&["check", "--deny-warnings"], all.as_slice()].concat(), 0);
    said(folder.path(), &["check", "--deny-warnings", "soc"], 0);
    write(&root, "exceptions/bob.yml", &exception.replace("reason", "raeson"));
    said(&root, &["check", "exceptions"], 1);
    said(folder.path(), &["check", "soc"], 1);
    write(&root, "cresset.yml", "nmae: here\n");
    assert_eq!(said(&root, &["check", "cresset.yml", "exceptions/bob.yml"], 1).matches("E0201").count(), 2);
}

/// A list above is for other detections, too.
#[test]
fn a_list_is_unused_only_where_all_could_use_it() {
    let (_folder, root) = project();
    detection(&root, "deep/other", "observe:\n  process:\n    a: { process.name: x }\n    condition: a\ntests: []\n");
    for path in ["detections/deep/other.yml", "detections/deep"] {
        assert!(!said(&root, &["check", path], 0).contains("W0407"), "{path}");
    }
    fs::remove_file(root.join("detections/host_process_namespace.yml")).expect("removed");
    assert!(said(&root, &["check"], 0).contains("W0407"));
}
