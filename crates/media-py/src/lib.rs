//! `offhook._media`: the media core as Python sees it. Translation only: extract, release the interpreter, call, wrap.

use std::time::Duration;

use offhook_media::core::Core as MediaCore;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn decoded<T: DeserializeOwned>(message: &[u8]) -> PyResult<T> {
    rmp_serde::from_slice(message).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn encoded<T: Serialize>(message: &T) -> PyResult<Vec<u8>> {
    rmp_serde::to_vec_named(message).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// One media core. See `_media.pyi`.
#[pyclass(frozen, module = "offhook._media")]
struct Core {
    inner: MediaCore,
}

#[pymethods]
impl Core {
    #[new]
    fn new(py: Python<'_>, config: &[u8]) -> PyResult<Self> {
        let config = decoded(config)?;
        let inner = py.detach(|| MediaCore::new(config)).map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self { inner })
    }

    fn request<'py>(&self, py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let request = decoded(message)?;
        let reply = py.detach(|| self.inner.request(request));
        Ok(PyBytes::new(py, &encoded(&reply)?))
    }

    fn send(&self, py: Python<'_>, messages: &[u8]) -> PyResult<()> {
        let commands = decoded(messages)?;
        py.detach(|| self.inner.send(commands));
        Ok(())
    }

    fn poll<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let events = py.detach(|| encoded(&self.inner.take_events()))?;
        Ok(PyBytes::new(py, &events))
    }

    fn fileno(&self) -> i32 {
        self.inner.fileno().unwrap_or(-1)
    }

    fn advance(&self, py: Python<'_>, ns: u64) -> PyResult<()> {
        py.detach(|| self.inner.advance(Duration::from_nanos(ns)))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn busy(&self) -> bool {
        self.inner.is_busy()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }
}

/// The version of the native core.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[pymodule]
fn _media(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Core>()?;
    module.add_function(wrap_pyfunction!(version, module)?)
}
