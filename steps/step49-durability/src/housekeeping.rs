use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use crate::{Engine, Error};

/// Says when the write-ahead log gets long, each time that it has doubled, and when it can be used
/// again: it looks every ten seconds, for ever.
pub(crate) async fn watch_log(engine: Arc<Engine>) -> Result<(), Error> {
    let (store, mut told) = (&engine.store, 0);
    loop {
        let next = store.clock().after(Duration::from_secs(10));
        match store.check_log().await {
            Ok(()) if told > 0 => {
                info!("the write-ahead log can be used again");
                told = 0;
            }
            Err(Error::LongLog(bytes)) if bytes >= told * 2 => {
                warn!(bytes, "the write-ahead log grows as long as somebody reads");
                told = bytes;
            }
            Ok(()) | Err(Error::LongLog(_)) => (),
            Err(error) => {
                let error = error.with_causes();
                error!(error, "the write-ahead log can't be looked at");
            }
        }
        store.clock().sleep_until(next).await;
    }
}
