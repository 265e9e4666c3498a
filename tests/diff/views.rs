//! What exceptions and profiles change is told as theirs.

use super::*;

const BACKUP: &str = "
detections: [tool]
reason: The backup copies itself with ncat.
owner: storage team
expires: 2027-03-31
ticket: CHG-7
observe:
  process:
    backup: { process.working_directory|startswith: /srv/backup }
    condition: backup
";

/// [`BASE`] with other files beside it.
fn with(files: &[(&str, &str)]) -> Project {
    let project = one(BASE);
    files.iter().for_each(|(path, text)| project.write(path, text));
    project
}

/// Whether the event that changes sides is one that satisfies `field: prefix…` in the exception of these tests.
fn is_in_backup(moved: &Moved) -> bool {
    let Moved::Some { event, .. } = moved else { return false };
    let folder = event.pointer("/process/working_directory").and_then(|value| value.as_str());
    folder.is_some_and(|folder| folder.starts_with("/srv/"))
}

#[test]
fn an_exception_is_told_as_a_change_of_meaning_that_is_its_own() {
    let (without, excepted) = (one(BASE), with(&[("exceptions/backup.yml", BACKUP)]));
    let diff = compared(&without, &excepted);
    let source = only(&diff).sources.first().expect("a source");
    assert_eq!((source.change, source.causes.as_slice()), (Some(Change::Narrower), [Cause::Exceptions].as_slice()));
    assert!(is_in_backup(&source.meaning.as_ref().expect("a meaning").must.lost), "{source:?}");
    // The detection's version has nothing to do with it, nor any of its own keys.
    assert!(risks(&diff).is_empty() && only(&diff).metadata.is_empty(), "{:?}", only(&diff));
    assert_eq!(stopped(&diff, &[Gate::Narrower, Gate::Version]), ["narrower: tool"]);
    let [exception] = source.exceptions.as_slice() else { panic!("one exception: {source:?}") };
    assert_eq!((exception.state, exception.change), (State::Added, Change::Narrower));
    insta::assert_snapshot!(
        "an_exception_is_new",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
    let comment = show::markdown::comment(&diff, &[]);
    assert!(comment.contains("**narrower** by exceptions") && comment.contains("exceptions/backup.yml"), "{comment}");
    let annotations = show::github::annotations(&diff, "soc/");
    assert!(
        annotations.contains("::notice file=soc/exceptions/backup.yml,title=tool::process: narrower"),
        "{annotations}"
    );

    // Gone again, and about more.
    let back = compared(&excepted, &without);
    let source = only(&back).sources.first().expect("a source");
    assert_eq!((source.change, source.exceptions[0].state), (Some(Change::Wider), State::Removed));
    let more = with(&[("exceptions/backup.yml", &BACKUP.replace("/srv/backup", "/srv/"))]);
    let wider = compared(&excepted, &more);
    let source = only(&wider).sources.first().expect("a source");
    assert_eq!((source.change, source.exceptions[0].state), (Some(Change::Narrower), State::Changed));
    assert!(is_in_backup(&source.meaning.as_ref().expect("a meaning").must.lost));

    // Written anew, or for longer, it is no change of meaning.
    let reworded = BACKUP.replace("|startswith: /srv/backup", ": /srv/backup*").replace("2027-03-31", "2027-09-30");
    let longer = compared(&excepted, &with(&[("exceptions/backup.yml", &reworded)]));
    let keys: Vec<&str> = only(&longer).metadata.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["exceptions.backup.expires"]);
    assert!(only(&longer).sources.is_empty(), "{:?}", only(&longer).sources);
    // One that is proposed is none.
    let proposed = with(&[("exceptions/backup.yml", &format!("{BACKUP}status: proposed\n"))]);
    assert!(compared(&without, &proposed).detections.is_empty());
}

#[test]
fn a_detection_and_its_exceptions_are_told_apart() {
    let before = with(&[("exceptions/backup.yml", BACKUP)]);
    let after = with(&[("exceptions/night.yml", &BACKUP.replace("/srv/backup", "/srv/night"))]);
    after.write("detections/tool.yml", &edited(&[("[nc, ncat]", "[nc, ncat, socat]")]));
    let diff = compared(&before, &after);
    let source = only(&diff).sources.first().expect("a source");
    assert_eq!(source.causes, [Cause::Detection, Cause::Exceptions]);
    assert_eq!(source.change, Some(Change::Both));
    assert_eq!(source.own.as_ref().map(|own| own.change()), Some(Change::Wider));
    let each: Vec<_> = source.exceptions.iter().map(|one| (one.name.as_str(), one.state, one.change)).collect();
    assert_eq!(each, [("night", State::Added, Change::Narrower), ("backup", State::Removed, Change::Wider)]);
    assert_eq!(risks(&diff), [RiskKind::Version]);
    insta::assert_snapshot!(
        "a_detection_and_exceptions",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
}

#[test]
fn an_exception_file_that_swallows_the_detection_stands_out() {
    let all =
        BACKUP.replace("process.working_directory|startswith: /srv/backup", "process.parent.name: [sh, bash, zsh]");
    let diff = compared(&one(BASE), &with(&[("exceptions/all.yml", &all)]));
    assert_eq!(risks(&diff), [RiskKind::Swallowed, RiskKind::NeverMatches]);
    let told = &only(&diff).risks[0].message;
    assert_eq!(told, "the exception `all` covers everything that the detection finds");
    assert_eq!(stopped(&diff, &[Gate::Swallowed]), ["swallowed: tool"]);
    // Two that do so together.
    let half = |name: &str| {
        BACKUP.replace("process.working_directory|startswith: /srv/backup", &format!("process.parent.name: {name}"))
    };
    let diff = compared(&one(BASE), &with(&[("exceptions/a.yml", &half("sh")), ("exceptions/b.yml", &half("bash"))]));
    assert_eq!(only(&diff).risks[0].message, "the exceptions together cover everything that the detection finds");
    // One that leaves something is no risk.
    assert!(risks(&compared(&one(BASE), &with(&[("exceptions/a.yml", &half("sh"))]))).is_empty());
}

#[test]
fn what_a_profile_changes_is_told_as_the_profile_s() {
    let lists = "lists:\n  shells: [bash, sh]\n";
    let listed = edited(&[("[bash, sh]", "$shells")]);
    let project = |profile: &str| {
        let project = one(&listed);
        project.write("detections/lists.yml", lists);
        project.write("cresset.yml", profile);
        project
    };
    let plain = project("name: soc\n");
    let diff = compared(
        &plain,
        &project("name: soc\noverrides: [{ for: [tool], severity: low }]\nlists: { shells: { add: [zsh] } }\n"),
    );
    let change = only(&diff);
    let keys: Vec<(&str, bool)> = change.metadata.iter().map(|key| (key.key.as_str(), key.by_profile)).collect();
    assert_eq!(keys, [("severity", true), ("risk", true)]);
    let source = change.sources.first().expect("a source");
    assert_eq!((source.change, source.causes.as_slice()), (Some(Change::Wider), [Cause::Profile].as_slice()));
    assert_eq!(risks(&diff), [RiskKind::SeverityLowered]);
    assert_eq!(change.risks[0].message, "the severity was lowered by the profile from high to low");
    insta::assert_snapshot!(
        "a_profile_changed",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
    // What the file says itself is its own, whatever the profile says beside it.
    let own = project("name: soc\nnaming: { prefix: SOC }\n");
    own.write("detections/tool.yml", &listed.replace("status: test", "status: stable"));
    let diff = compared(&plain, &own);
    let keys: Vec<(&str, bool)> = only(&diff).metadata.iter().map(|key| (key.key.as_str(), key.by_profile)).collect();
    assert_eq!(keys, [("title", true), ("status", false)]);
    // Left out, and back.
    let without = project("name: soc\ndetections: { leave_out: [tool] }\n");
    let gone = compared(&plain, &without);
    assert!(only(&gone).state == State::Removed && only(&gone).by_profile);
    assert_eq!(only(&gone).risks[0].message, "the profile leaves the detection out now; nothing finds what it found");
    let back = compared(&without, &plain);
    assert!(only(&back).state == State::Added && only(&back).by_profile);
}

#[test]
fn an_exception_that_cannot_be_read_does_not_make_the_others_go() {
    let both = [("exceptions/backup.yml", BACKUP), ("exceptions/other.yml", &BACKUP.replace("/backup", "/other"))];
    let broken = BACKUP.replace("expires:", "expire:").replace("/backup", "/other");
    let before = with(&both);
    let diff = compared(&before, &with(&[("exceptions/backup.yml", BACKUP), ("exceptions/other.yml", &broken)]));
    assert!(diff.head.faults.iter().any(|fault| fault.contains("exceptions/other.yml")), "{:?}", diff.head.faults);
    let exceptions = &only(&diff).sources.first().expect("a source").exceptions;
    let names: Vec<(&str, bool)> = exceptions.iter().map(|one| (one.name.as_str(), one.unread)).collect();
    assert_eq!(names, [("other", true)]);
    let text = show::human::text(&diff, None);
    assert!(text.contains("exception other (exceptions/other.yml) cannot be read now"), "{text}");
    let (fault, detection) = (text.find("now: E0"), text.find("Network tool"));
    assert!(fault.is_some() && fault < detection, "what is to be kept in mind comes first: {text}");
    // Nor is one that is mended a new one.
    let mended = compared(&with(&[("exceptions/other.yml", &broken)]), &with(&[("exceptions/other.yml", BACKUP)]));
    assert!(
        show::human::text(&mended, None).contains("could not be read before"),
        "{}",
        show::human::text(&mended, None)
    );
}

#[test]
fn an_exception_that_has_another_name_or_is_no_longer_approved_is_told_as_that() {
    let before = with(&[("exceptions/backup.yml", BACKUP)]);
    let diff = compared(&before, &with(&[("exceptions/copies.yml", BACKUP)]));
    assert!(only(&diff).sources.is_empty(), "{:?}", only(&diff).sources);
    let keys: Vec<&str> = only(&diff).metadata.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(keys, ["exceptions"]);
    let text = show::human::text(&diff, None);
    assert!(text.contains("exceptions: backup -> copies"), "{text}");

    let proposed = with(&[("exceptions/backup.yml", &format!("{BACKUP}status: proposed\n"))]);
    let text = show::human::text(&compared(&before, &proposed), None);
    assert!(text.contains("is not in force any more, which makes the detection wider"), "{text}");
    let text = show::human::text(&compared(&proposed, &before), None);
    assert!(text.contains("is in force now, which makes the detection narrower"), "{text}");
}
