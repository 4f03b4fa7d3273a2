//! Recordings of API answers: those of placebo for AWS, of c7n_gcp for Google Cloud, and of VCR for Azure.

use crate::node::Node;
use reprieve_batch::ReadError;

/// Returns the answers in a recording. None: the document is not a recording.
pub(crate) fn answers<'a>(root: &Node<'a>) -> Result<Option<Vec<Node<'a>>>, ReadError> {
    let has = |member: &str| root.value().get(member).is_some();
    if has("status_code") && has("data") {
        check_status(&root.required("status_code")?)?;
        return Ok(Some(vec![root.required("data")?]));
    }
    if has("headers") && has("body") {
        if let Some(status) = root.required("headers")?.given("status")? {
            check_status(&status)?;
        }
        return Ok(Some(vec![root.required("body")?]));
    }
    if has("interactions") {
        return cassette(root).map(Some);
    }
    Ok(None)
}

fn check_status(status: &Node<'_>) -> Result<(), ReadError> {
    let value = status.value();
    let code = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    match code {
        Some(200..=299) => Ok(()),
        _ => Err(status.error(format!("the call failed or did not list: its status is {value}"))),
    }
}

/// The answers of a cassette: the pages of one list.
fn cassette<'a>(root: &Node<'a>) -> Result<Vec<Node<'a>>, ReadError> {
    let mut pages: Vec<Node<'a>> = Vec::new();
    for interaction in root.required("interactions")?.list()? {
        let request = interaction.required("request")?;
        let method = request.required("method")?;
        if method.text()? != "GET" {
            let message = format!("the recording has a {} call, which was made already", method.text()?);
            return Err(method.error(message).with_help("pass the answer to a call that lists resources"));
        }
        let response = interaction.required("response")?;
        check_status(&response.required("status")?.required("code")?)?;
        if let Some(page) = pages.last() {
            let next = page.given("nextLink")?.map(|link| link.text()).transpose()?;
            if next != Some(request.required("uri")?.text()?) {
                return Err(interaction
                    .error("the recording has the answers of several calls")
                    .with_help("pass one answer"));
            }
        }
        let body = response.required("body")?;
        pages.push(body.given("data")?.unwrap_or(body));
    }
    Ok(pages)
}
