//! Templates: the engine, and one artefact's text.

use tera::{Context, Tera};

use super::filters;
use super::problem::Problem;

/// A template engine with the filters, without templates.
pub fn engine() -> Tera {
    let mut tera = Tera::new();
    filters::register(&mut tera);
    tera
}

/// The text that `template` makes of `context`.
pub fn render(tera: &Tera, target: &str, template: &str, context: &Context) -> Result<String, Problem> {
    tera.render(template, context).map_err(|error| {
        let mut problem = Problem::new(format!("templates/{target}/{template}"), "the template cannot be filled in")
            .note(error.to_string());
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            problem = problem.note(error.to_string());
            source = error.source();
        }
        problem
    })
}
