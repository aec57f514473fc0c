//! Tables for people: columns as wide as their widest cell, cut to the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Lines of a table with `header`; the last column is cut when a line is wider than `width`.
pub(super) fn lines(header: &[&str], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(cell.width());
        }
    }
    if let Some((last, others)) = widths.split_last_mut() {
        let taken: usize = others.iter().map(|width| width + 2).sum();
        *last = (*last).min(width.saturating_sub(taken)).max(header.last().map_or(1, |cell| cell.width()));
    }
    let heading: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    let all = [heading, rule].into_iter().chain(rows.iter().cloned());
    all.map(|row| cut(&line(&row, &widths), width)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', (width + 2).saturating_sub(cell.width())));
    }
    text.trim_end().to_owned()
}

/// `text` cut to `width` columns, with `…` where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        short.push(character);
    }
    short.push('…');
    short
}

/// Columns of the terminal, or enough for anything when there is none.
pub(super) fn terminal_width() -> usize {
    console::Term::stdout().size_checked().map_or(10_000, |(_, columns)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_column_gives_way() {
        let rows = [["a", "short"], ["longer", "what is too long for the line"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let shown = lines(&["KEY", "VALUE"], &rows, 20);
        assert_eq!(shown, ["KEY     VALUE", "------  ------------", "a       short", "longer  what is too…"]);
        let wide = lines(&["KEY", "VALUE"], &rows, 10_000);
        assert_eq!(wide[3], "longer  what is too long for the line");
        assert_eq!(wide[1].len(), wide[3].len());
    }
}
