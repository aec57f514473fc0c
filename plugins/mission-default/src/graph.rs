//! What depends on what: puts new items in an order in which each follows those it waits for.
//!
//! Owns the refusal of unknown, repeated, self and circular dependencies. Items that are on the
//! board already never wait for new ones, so only the new ones can form a circle.

use crate::plan::Draft;
use std::collections::{HashMap, HashSet};

/// The same items, each after those it depends on, otherwise in the order given.
pub(crate) fn sorted(drafts: Vec<Draft>, is_present: impl Fn(&str) -> bool) -> Result<Vec<Draft>, String> {
    let position_of: HashMap<&str, usize> =
        drafts.iter().enumerate().map(|(position, draft)| (draft.id.as_str(), position)).collect();
    let mut unmet = vec![0_usize; drafts.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    for (position, draft) in drafts.iter().enumerate() {
        let mut seen = HashSet::new();
        for dependency in &draft.depends_on {
            check_dependency(draft, dependency, &mut seen)?;
            match position_of.get(dependency.as_str()) {
                Some(target) => {
                    dependents[*target].push(position);
                    unmet[position] += 1;
                }
                None if is_present(dependency) => {}
                None => {
                    return Err(format!(
                        "work item `{}` depends on `{dependency}`, which is not an item of this mission",
                        draft.id
                    ));
                }
            }
        }
    }
    let order = order_of(&mut unmet, &dependents);
    if order.len() < drafts.len() {
        return Err(format!("work items depend on each other in a circle: {}", circle(&drafts, &position_of, &unmet)));
    }
    let mut rank = vec![0; drafts.len()];
    for (place, position) in order.into_iter().enumerate() {
        rank[position] = place;
    }
    let mut ranked: Vec<(usize, Draft)> = rank.into_iter().zip(drafts).collect();
    ranked.sort_by_key(|(place, _)| *place);
    Ok(ranked.into_iter().map(|(_, draft)| draft).collect())
}

fn check_dependency<'d>(draft: &Draft, dependency: &'d str, seen: &mut HashSet<&'d str>) -> Result<(), String> {
    if dependency == draft.id {
        return Err(format!("work item `{}` depends on itself", draft.id));
    }
    if !seen.insert(dependency) {
        return Err(format!("work item `{}` names its dependency `{dependency}` twice", draft.id));
    }
    Ok(())
}

/// Positions in dependency order; shorter than the list when there is a circle.
fn order_of(unmet: &mut [usize], dependents: &[Vec<usize>]) -> Vec<usize> {
    let mut open: std::collections::BTreeSet<usize> = (0..unmet.len()).filter(|p| unmet[*p] == 0).collect();
    let mut order = Vec::with_capacity(unmet.len());
    while let Some(position) = open.pop_first() {
        order.push(position);
        for dependent in &dependents[position] {
            unmet[*dependent] -= 1;
            if unmet[*dependent] == 0 {
                open.insert(*dependent);
            }
        }
    }
    order
}

/// One circle among the items that were left over, each of which waits for another of them.
fn circle(drafts: &[Draft], position_of: &HashMap<&str, usize>, unmet: &[usize]) -> String {
    let mut path: Vec<usize> = Vec::new();
    let mut place_of: HashMap<usize, usize> = HashMap::new();
    let mut next = unmet.iter().position(|left| *left > 0);
    while let Some(position) = next {
        if let Some(start) = place_of.insert(position, path.len()) {
            let mut ids: Vec<&str> = path[start..].iter().map(|p| drafts[*p].id.as_str()).collect();
            ids.push(&drafts[position].id);
            return ids.join(" -> ");
        }
        path.push(position);
        let blocking = |id: &String| position_of.get(id.as_str()).copied().filter(|p| unmet[*p] > 0);
        next = drafts[position].depends_on.iter().find_map(blocking);
    }
    String::new()
}
