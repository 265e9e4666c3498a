//! Which detections a command line means: by names, ids and tags.

use anyhow::bail;

use crate::detection::Detection;
use crate::diagnostic::suggest::nearest;

/// Those that are called so, by name or id; all of them if nothing is asked for.
///
/// # Errors
/// If there is none of one of the names.
pub(super) fn called<'d>(all: &'d [Detection], names: &[String]) -> anyhow::Result<Vec<&'d Detection>> {
    let is_called = |detection: &Detection| names.iter().any(|name| detection.is_called(name));
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|detection| detection.is_called(name))) {
        let known = all.iter().map(|detection| detection.name.as_str());
        bail!("there is no detection `{unknown}`{}", meant(unknown, known));
    }
    Ok(all.iter().filter(|detection| names.is_empty() || is_called(detection)).collect())
}

/// Leaves those that are called so; all of them if nothing is asked for.
///
/// # Errors
/// If there is none of one of the names.
pub(super) fn keep(detections: &mut Vec<Detection>, names: &[String]) -> anyhow::Result<()> {
    called(detections, names)?;
    detections.retain(|detection| names.is_empty() || names.iter().any(|name| detection.is_called(name)));
    Ok(())
}

/// Those that are called so and have one of the tags or find one of the techniques.
///
/// # Errors
/// If there are none, or none of one of the names or tags.
pub(super) fn tagged<'d>(
    all: &'d [Detection],
    names: &[String],
    tags: &[String],
) -> anyhow::Result<Vec<&'d Detection>> {
    if all.is_empty() {
        bail!("there are no detections");
    }
    let mut chosen = called(all, names)?;
    if let Some(unknown) = tags.iter().find(|tag| !all.iter().any(|detection| detection.has_tag(tag))) {
        let known = all.iter().flat_map(Detection::all_tags);
        bail!("no detection has the tag `{unknown}`{}", meant(unknown, known));
    }
    chosen.retain(|detection| tags.is_empty() || tags.iter().any(|tag| detection.has_tag(tag)));
    if chosen.is_empty() {
        bail!("no detection has both such a name and such a tag");
    }
    Ok(chosen)
}

/// `; did you mean …?` with what is near enough to have been meant.
fn meant<'n>(unknown: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(unknown, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
