//! A small map: entries in the order of their keys, in one vector. The keys here are numbers that
//! rise, so what is new goes to the end; a thousand entries are few. A hash table or a tree would
//! cost the module more bytes than all that uses this.

/// Entries in the order of their keys, each key once.
#[derive(Clone, Debug)]
pub struct Table<K, V>(Vec<(K, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord, V> Table<K, V> {
    /// Puts `value` under `key`, in place of what was there.
    pub fn insert(&mut self, key: K, value: V) {
        match self.find(key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    /// What is under `key`.
    #[must_use]
    pub fn get(&self, key: K) -> Option<&V> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// What is under `key`, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Takes what is under `key`.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Every entry, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// Every key, in order, without the values.
    pub fn into_keys(self) -> impl Iterator<Item = K> {
        self.0.into_iter().map(|(key, _)| key)
    }

    /// Leaves only the entries that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(*key, value));
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, key: K) -> Result<usize, usize> {
        // What is asked for is most often the newest.
        match self.0.last() {
            Some((last, _)) if *last < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(other, _)| other.cmp(&key)),
        }
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Table;

    proptest! {
        #[test]
        fn does_what_a_tree_does(steps in prop::collection::vec((0u8..3, 0u8..12), 0..60)) {
            let (mut table, mut tree) = (Table::default(), BTreeMap::new());
            for (n, (step, key)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        table.insert(key, n);
                        tree.insert(key, n);
                    }
                    1 => prop_assert_eq!(table.remove(key), tree.remove(&key)),
                    _ => {
                        table.retain(|other, _| other != key);
                        tree.retain(|other, _| *other != key);
                    }
                }
                prop_assert_eq!(table.get(key), tree.get(&key));
                prop_assert_eq!(table.get_mut(key), tree.get_mut(&key));
                prop_assert_eq!(table.is_empty(), tree.is_empty());
                let entries: Vec<_> = table.iter().map(|(key, value)| (key, *value)).collect();
                prop_assert_eq!(entries, tree.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
            }
            prop_assert_eq!(table.into_keys().collect::<Vec<_>>(), tree.into_keys().collect::<Vec<_>>());
        }
    }
}
