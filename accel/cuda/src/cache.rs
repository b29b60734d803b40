//! Compiled images on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the checksum before an image.
const CHECKSUM: usize = 32;

/// A folder of compiled images, by a key that names everything they were made of.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder is made when the first image is stored.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The image of this key, or what `build` makes, which is then kept. An entry that is damaged is built anew. A
    /// folder that cannot be written costs time and nothing else.
    pub fn get_or_build<E>(
        &self,
        key: &blake3::Hash,
        build: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let path = self.folder.join(format!("{}.image", key.to_hex()));
        if let Some(image) = load(&path) {
            return Ok(image);
        }
        let image = build()?;
        if let Err(error) = self.store(&path, &image) {
            tracing::warn!(path = %path.display(), %error, "a compiled image was not kept: it will be compiled again");
        }
        Ok(image)
    }

    /// Writes under another name and renames, so that no reader ever sees half of an image.
    fn store(&self, path: &Path, image: &[u8]) -> std::io::Result<()> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(&self.folder)?;
        let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
        let partial = path.with_extension(format!("{}-{writer}.partial", std::process::id()));
        let written = fs::File::create(&partial).and_then(|mut file| {
            file.write_all(blake3::hash(image).as_bytes())?;
            file.write_all(image)?;
            file.sync_all()?;
            fs::rename(&partial, path)
        });
        if written.is_err() {
            // Best effort: the error is already on its way.
            let _ = fs::remove_file(&partial);
        }
        written
    }
}

fn load(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    if bytes.len() < CHECKSUM || blake3::hash(&bytes[CHECKSUM..]).as_bytes() != &bytes[..CHECKSUM] {
        tracing::warn!(path = %path.display(), "a compiled image on disk is damaged: it is compiled again");
        return None;
    }
    Some(bytes.split_off(CHECKSUM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(cache: &Cache, key: &str, fresh: &[u8]) -> (Vec<u8>, bool) {
        let mut built = false;
        let image = cache.get_or_build(&blake3::hash(key.as_bytes()), || {
            built = true;
            Ok::<_, ()>(fresh.to_vec())
        });
        (image.expect("the builder does not fail"), built)
    }

    fn entry(folder: &Path) -> PathBuf {
        let mut entries: Vec<_> =
            fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        assert_eq!(entries.len(), 1, "one image, nothing half written");
        entries.remove(0)
    }

    #[test]
    fn keeps_images_and_rebuilds_damaged_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::at(&folder.path().join("deep/er"));
        assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
        assert_eq!(get(&cache, "a", b"other"), (b"image".to_vec(), false));
        let path = entry(&cache.folder);
        let whole = fs::read(&path).expect("the image");
        for damaged in [&whole[..whole.len() - 1], &whole[..7], &[], &[&whole[..], b"x"].concat()] {
            fs::write(&path, damaged).expect("written");
            assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
            assert_eq!(fs::read(entry(&cache.folder)).expect("the image"), whole);
        }
        for bit in [0, 8 * CHECKSUM] {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1;
            fs::write(&path, &damaged).expect("written");
            assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_time_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, "no folder").expect("written");
        let cache = Cache::at(&file.join("below"));
        assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
        assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
    }

    #[test]
    fn failures_are_passed_on_and_not_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::at(folder.path());
        assert_eq!(cache.get_or_build(&blake3::hash(b"a"), || Err::<Vec<u8>, _>("log")), Err("log"));
        assert_eq!(get(&cache, "a", b"image"), (b"image".to_vec(), true));
    }
}
