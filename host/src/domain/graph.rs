//! What depends on what: checks a set of new work items before any of them is added.

use std::collections::{HashMap, HashSet};

use super::id::WorkItemId;
use super::work_item::{WORK_ITEMS_MAX, WorkItemSpec};

/// Why a set of work items cannot be added. `index` counts from 0 in the given order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Too many, those already there included.
    #[error("{count} work items are more than the {WORK_ITEMS_MAX} a mission may hold")]
    TooMany {
        /// How many there would be.
        count: usize,
    },
    /// An id that is there already or comes twice.
    #[error("work item id `{id}` is taken; ids are unique within a mission")]
    Duplicate {
        /// The later one.
        index: usize,
        /// The id.
        id: WorkItemId,
    },
    /// A dependency that is nowhere.
    #[error("work item `{id}` depends on `{dependency}`, which is not an item of this mission")]
    UnknownDependency {
        /// The item.
        index: usize,
        /// Its id.
        id: WorkItemId,
        /// What it names.
        dependency: WorkItemId,
    },
    /// An item that waits for itself.
    #[error("work item `{id}` depends on itself")]
    SelfDependency {
        /// The item.
        index: usize,
        /// Its id.
        id: WorkItemId,
    },
    /// A dependency named twice.
    #[error("work item `{id}` names its dependency `{dependency}` twice")]
    RepeatedDependency {
        /// The item.
        index: usize,
        /// Its id.
        id: WorkItemId,
        /// What it names.
        dependency: WorkItemId,
    },
    /// Items that wait for each other.
    #[error("work items depend on each other in a circle: {}", path.iter().map(WorkItemId::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle {
        /// An item of the circle.
        index: usize,
        /// The circle, its first item again at the end.
        path: Vec<WorkItemId>,
    },
}

impl GraphError {
    /// The item at fault, when it is one item's fault.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::TooMany { .. } => None,
            Self::Duplicate { index, .. }
            | Self::UnknownDependency { index, .. }
            | Self::SelfDependency { index, .. }
            | Self::RepeatedDependency { index, .. }
            | Self::Cycle { index, .. } => Some(*index),
        }
    }
}

/// Checks `specs` for being added to a mission that holds `present_count` items, where
/// `is_present` tells whether an id is among them. Items already there never depend on new
/// ones, so only the new ones can form a circle.
pub fn check(
    specs: &[WorkItemSpec],
    present_count: usize,
    is_present: impl Fn(&WorkItemId) -> bool,
) -> Result<(), GraphError> {
    let count = present_count + specs.len();
    if count > WORK_ITEMS_MAX {
        return Err(GraphError::TooMany { count });
    }
    let mut index_of: HashMap<&WorkItemId, usize> = HashMap::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        if is_present(&spec.id) || index_of.insert(&spec.id, index).is_some() {
            return Err(GraphError::Duplicate { index, id: spec.id.clone() });
        }
    }
    for (index, spec) in specs.iter().enumerate() {
        check_dependencies(index, spec, |id| index_of.contains_key(id) || is_present(id))?;
    }
    find_cycle(specs, &index_of)
}

fn check_dependencies(
    index: usize,
    spec: &WorkItemSpec,
    is_known: impl Fn(&WorkItemId) -> bool,
) -> Result<(), GraphError> {
    let mut seen = HashSet::new();
    for dependency in &spec.depends_on {
        let (id, dependency) = (spec.id.clone(), dependency.clone());
        if dependency == id {
            return Err(GraphError::SelfDependency { index, id });
        }
        if !is_known(&dependency) {
            return Err(GraphError::UnknownDependency { index, id, dependency });
        }
        if !seen.insert(dependency.clone()) {
            return Err(GraphError::RepeatedDependency { index, id, dependency });
        }
    }
    Ok(())
}

/// Depth-first search with a stack of its own: a chain of 10,000 items must not use the
/// thread's.
fn find_cycle(specs: &[WorkItemSpec], index_of: &HashMap<&WorkItemId, usize>) -> Result<(), GraphError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Finished,
    }
    let mut marks = vec![Mark::New; specs.len()];
    for root in 0..specs.len() {
        if marks[root] != Mark::New {
            continue;
        }
        marks[root] = Mark::OnPath;
        let mut path = vec![(root, 0_usize)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(dependency) = specs[node].depends_on.get(*next) else {
                marks[node] = Mark::Finished;
                path.pop();
                continue;
            };
            *next += 1;
            let Some(&target) = index_of.get(dependency) else { continue };
            match marks[target] {
                Mark::Finished => {}
                Mark::New => {
                    marks[target] = Mark::OnPath;
                    path.push((target, 0));
                }
                Mark::OnPath => {
                    let from = path.iter().position(|(n, _)| *n == target).unwrap_or(0);
                    let mut circle: Vec<WorkItemId> = path[from..].iter().map(|(n, _)| specs[*n].id.clone()).collect();
                    circle.push(specs[target].id.clone());
                    return Err(GraphError::Cycle { index: target, path: circle });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str, depends_on: &[&str]) -> WorkItemSpec {
        WorkItemSpec {
            id: WorkItemId::new(id),
            title: id.to_owned(),
            detail: None,
            depends_on: depends_on.iter().map(|d| WorkItemId::new(*d)).collect(),
            assigned_agent: None,
            skills: Vec::new(),
            action: None,
            metadata: None,
        }
    }

    fn checked(specs: &[WorkItemSpec]) -> Result<(), String> {
        check(specs, 0, |_| false).map_err(|e| e.to_string())
    }

    #[test]
    fn order_of_the_items_does_not_matter() {
        assert_eq!(checked(&[spec("b", &["a"]), spec("a", &[])]), Ok(()));
    }

    #[test]
    fn each_fault_names_the_item() {
        let cases = [
            (vec![spec("a", &[]), spec("a", &[])], "work item id `a` is taken; ids are unique within a mission"),
            (vec![spec("a", &["a"])], "work item `a` depends on itself"),
            (vec![spec("a", &["b"])], "work item `a` depends on `b`, which is not an item of this mission"),
            (vec![spec("b", &[]), spec("a", &["b", "b"])], "work item `a` names its dependency `b` twice"),
            (
                vec![spec("a", &["c"]), spec("b", &["a"]), spec("c", &["b"])],
                "work items depend on each other in a circle: a -> c -> b -> a",
            ),
        ];
        for (specs, message) in cases {
            assert_eq!(checked(&specs), Err(message.to_owned()));
        }
    }

    #[test]
    fn ten_thousand_in_a_chain_are_fine_and_one_more_is_not() {
        let mut specs = vec![spec("i0", &[])];
        for n in 1..WORK_ITEMS_MAX {
            specs.push(spec(&format!("i{n}"), &[&format!("i{}", n - 1)]));
        }
        assert_eq!(checked(&specs), Ok(()));
        specs.push(spec("last", &[]));
        assert_eq!(checked(&specs), Err("10001 work items are more than the 10000 a mission may hold".to_owned()));
    }
}
