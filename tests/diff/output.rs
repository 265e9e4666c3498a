//! What is said to people and to programs.

use super::*;

#[test]
fn what_is_not_decided_is_said_in_every_output() {
    let nothing = Budget { states: 0, nodes: 0, ..Budget::default() };
    let options = Options { budget: nothing, ..Options::default() };
    // A spelling of the same: nothing can be found, and nothing is proved.
    let after = one(&BASE.replace("process.name: [nc, ncat]", "process.name|re: '^nc(?:at)?$'"));
    let diff = diff::compare(&one(BASE).side(), &after.side(), Catalogue::builtin(), &options);
    assert_eq!(change_of(&diff), Change::Undecided);
    assert_eq!(stopped(&diff, &[Gate::Undecided]), ["undecided: tool"]);
    assert!(only(&diff).risks.iter().any(|risk| risk.message.contains("may have changed")), "{:?}", only(&diff).risks);
    let json = show::json(&diff, &[]).to_string();
    for text in [
        show::human::text(&diff, None),
        show::markdown::comment(&diff, &[]),
        show::github::annotations(&diff, ""),
        json,
    ] {
        assert!(text.contains("undecided"), "{text}");
    }
}

#[test]
fn a_comment_fits_and_nothing_of_it_is_obeyed() {
    let hostile = "x` @team <img src=x> | **b** ``` #1 \\u202e";
    let mut before: Vec<(String, String)> = Vec::new();
    let mut after = Vec::new();
    for number in 0..90 {
        let id = format!("3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d{number:04}");
        let text = BASE
            .replace("3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01", &id)
            .replace("Network tool started by a shell", &format!("'Tool {number} {hostile}'"));
        before.push((format!("detections/tool_{number}.yml"), text.clone()));
        after.push((format!("detections/tool_{number}.yml"), text.replace("[nc, ncat]", "[nc, '<b>`@you`', socat]")));
    }
    let project = |files: &[(String, String)]| {
        Project::new(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    let diff = compared(&project(&before), &project(&after));
    assert_eq!(diff.detections.len(), 90);
    let comment = show::markdown::comment(&diff, &[]);
    assert!(comment.len() <= show::markdown::LIMIT, "{}", comment.len());
    assert!(comment.len() > 50_000, "what fits is told: {}", comment.len());
    assert!(comment.contains("left out") && comment.contains("65,536"), "{}", &comment[comment.len() - 400..]);
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    // Outside of code, nobody is called and no markup is left.
    let mut plain = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if ticks == *open && line == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                let mut rest = line;
                while let Some(start) = rest.find('`') {
                    let run = rest[start..].chars().take_while(|c| *c == '`').count();
                    let close = "`".repeat(run);
                    let body = start + run;
                    plain.push_str(&rest[..start]);
                    let mut end = body;
                    loop {
                        let at = end + rest[end..].find(&close).expect("a code span ends on its line");
                        let length = rest[at..].chars().take_while(|c| *c == '`').count();
                        end = at + length;
                        if length == run {
                            break;
                        }
                    }
                    rest = &rest[end..];
                }
                plain.push_str(rest);
                plain.push('\n');
            }
        }
    }
    assert_eq!(fence, None);
    assert!(!plain.contains("@team") && !plain.contains("@you") && !plain.contains("<img"), "{plain}");
}

#[test]
fn the_terminal_s_width_is_kept_and_lines_are_whole_without_one() {
    let diff =
        changed(&[("[nc, ncat]", "[nc, ncat, a-tool-with-a-very-long-name-that-fills-most-of-a-line-by-itself]")]);
    let visible = |line: &str| {
        let mut count: usize = 0;
        let mut escape = false;
        for c in line.chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                _ if escape => {}
                _ => count += 1,
            }
        }
        count
    };
    let narrow = show::human::text(&diff, Some(60));
    assert!(narrow.lines().all(|line| visible(line) <= 60), "{narrow}");
    assert!(show::human::text(&diff, None).lines().any(|line| visible(line) > 60));
}
