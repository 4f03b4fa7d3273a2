//! Tables and trees of `docker images`.

use super::is_image_id;
use crate::{Action, Input, Item};
use reprieve_batch::{Place, ReadError};

/// What a column holds is between its start and that of the next one, in characters.
struct Columns {
    starts: Vec<(String, usize)>,
}

/// An image while its lines are read.
struct Image {
    line: u64,
    id: String,
    names: Vec<String>,
    children: Vec<String>,
    is_in_use: bool,
}

const NEW: &[&str] = &["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE"];
const OLD: &[&str] = &["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"];

pub(super) fn read(input: &Input<'_>, text: &str) -> Result<Vec<(Place, Item)>, ReadError> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let unknown = || {
        input
            .error(Place::Line(1), "neither JSON nor a table of `docker images` with its header")
            .with_help("pass the output of `docker images --no-trunc --format json`")
    };
    let (_, header) = lines.next().ok_or_else(unknown)?;
    let columns = Columns::of(header);
    let has = |names: &[&str]| names.iter().all(|name| columns.starts.iter().any(|(column, _)| column == name));
    let known = ["DIGEST", "EXTRA"];
    let all_known = |names: &[&str]| {
        columns.starts.iter().all(|(column, _)| names.contains(&column.as_str()) || known.contains(&column.as_str()))
    };
    let is_new = has(NEW) && all_known(NEW);
    let is_old = has(OLD) && all_known(OLD);
    if !is_new && !is_old {
        return Err(unknown());
    }
    let mut images: Vec<Image> = Vec::new();
    // Names of the image whose row follows directly.
    let mut names: Vec<String> = Vec::new();
    let mut last = 1_u64;
    for (number, line) in lines {
        let error = |message: &str| input.error(Place::Line(number), message);
        if !names.is_empty() && number != last.saturating_add(1) {
            return Err(error("the id of the name before this row is missing"));
        }
        last = number;
        let cell = |name: &str| columns.cell(line, name);
        let id = cell(if is_new { "ID" } else { "IMAGE ID" });
        let name = if is_new { cell("IMAGE") } else { format!("{}:{}", cell("REPOSITORY"), cell("TAG")) };
        let size = cell(if is_new { "DISK USAGE" } else { "SIZE" });
        if name.is_empty() || name.starts_with(':') || name.ends_with(':') {
            return Err(error("the row has no name"));
        }
        if is_new
            && id.is_empty()
            && line.trim_end().chars().count() <= columns.start("ID")
            && !name.starts_with(['├', '└', '<'])
        {
            names.push(name);
            continue;
        }
        if !is_image_id(&id) {
            return Err(error("the row has no id of 12 or 64 hexadecimal digits in its column"));
        }
        if !size.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error("the row has no size in its column: it is cut off"));
        }
        if let Some(platform) = name.strip_prefix(['├', '└']) {
            let parent = images.last_mut().filter(|_| names.is_empty() && platform.starts_with('─'));
            parent.ok_or_else(|| error("the row is below no image"))?.children.push(id);
            continue;
        }
        let extra = cell("EXTRA");
        if !matches!(extra.as_str(), "" | "U") {
            return Err(error("the column `EXTRA` is not understood"));
        }
        names.push(name);
        let image = Image {
            line: number,
            id,
            names: std::mem::take(&mut names),
            children: Vec::new(),
            is_in_use: extra == "U",
        };
        images.push(image);
    }
    if !names.is_empty() {
        return Err(input.error(Place::Whole, "the id after the last name is missing: the file is cut off"));
    }
    if images.is_empty() {
        return Err(input.error(Place::Whole, "the table has no row"));
    }
    Ok(images.into_iter().map(item).collect())
}

fn item(image: Image) -> (Place, Item) {
    let mut item = Item::new(image.id, Action::Listed).kind("image");
    let named = |name: &String| !name.starts_with('<') && !name.ends_with(":<none>");
    let names: Vec<String> = image.names.into_iter().filter(named).collect();
    if !names.is_empty() {
        item.details.push(("tags", names.join(", ")));
    }
    if image.is_in_use {
        item.details.push(("in_use", "true".to_owned()));
    }
    item.record.dependents = Some(image.children).filter(|children| !children.is_empty());
    (Place::Line(image.line), item)
}

impl Columns {
    /// The columns of a header. Two blanks or more are between them; one blank is in a name.
    fn of(header: &str) -> Self {
        let mut starts: Vec<(String, usize)> = Vec::new();
        let mut at = 0_usize;
        for part in header.trim_end().split("  ") {
            let name = part.trim();
            if !name.is_empty() {
                let blanks = part.chars().take_while(|c| *c == ' ').count();
                starts.push((name.to_owned(), at.saturating_add(blanks)));
            }
            at = at.saturating_add(part.chars().count()).saturating_add(2);
        }
        Self { starts }
    }

    fn start(&self, name: &str) -> usize {
        self.starts.iter().find(|(column, _)| column == name).map_or(usize::MAX, |(_, start)| *start)
    }

    /// The text of a row from the start of a column to that of the next one. Numbers may begin before the name of their
    /// column, but ids and names begin with it.
    fn cell(&self, line: &str, name: &str) -> String {
        let start = self.start(name);
        let end = self.starts.iter().map(|(_, other)| *other).find(|other| *other > start).unwrap_or(usize::MAX);
        let text: String = line.chars().skip(start).take(end.saturating_sub(start)).collect();
        text.trim().to_owned()
    }
}
