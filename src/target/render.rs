//! Templates: the engine, and one artefact's text.

use tera::{Context, Tera};

use super::filters;
use super::load::Target;
use super::problem::from_tera;
use crate::diagnostic::Diagnostic;

/// A template engine with the filters, without templates.
pub fn engine() -> Tera {
    let mut tera = Tera::new();
    filters::register(&mut tera);
    tera
}

/// The text that `template` makes of `context`.
pub fn render(target: &Target, template: &str, context: &Context) -> Result<String, Vec<Diagnostic>> {
    target.templates.render(template, context).map_err(|error| {
        let file = target.sources.get(template);
        let path = file.map_or_else(|| format!("templates/{}/{template}", target.name()), |file| file.shown());
        from_tera(&target.sources, &path, &error)
    })
}
