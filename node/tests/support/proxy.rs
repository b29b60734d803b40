//! An L1 endpoint that lies: anvil's answers, with one thing changed.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Starts an endpoint that answers as `upstream` (`http://host:port`) does, but gives every block the same prevrandao; its
/// URL. It ends with the test.
pub async fn with_constant_prevrandao(upstream: &str) -> String {
    let upstream: SocketAddr = upstream.trim_start_matches("http://").parse().expect("an address");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move { answer(client, upstream).await.expect("anvil answers") });
        }
    });
    url
}

/// One request, one answer; anvil then closes the connection, and the client opens another one.
async fn answer(client: TcpStream, upstream: SocketAddr) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut request = vec![0; length];
    client.read_exact(&mut request).await?;
    let mut anvil = TcpStream::connect(upstream).await?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: anvil\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    anvil.write_all(head.as_bytes()).await?;
    anvil.write_all(&request).await?;
    let mut reply = String::new();
    anvil.read_to_string(&mut reply).await?;
    let key = "\"mixHash\":\"0x";
    let parts: Vec<&str> = reply.split(key).collect();
    let constant = "11".repeat(32);
    let rest = parts[1..].iter().map(|part| format!("{key}{constant}{}", &part[constant.len()..]));
    let changed: String = std::iter::once(parts[0].to_owned()).chain(rest).collect();
    client.get_mut().write_all(changed.as_bytes()).await?;
    client.get_mut().shutdown().await
}
