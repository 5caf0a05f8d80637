//! Security: credentials, certificates, environment, hosts.

// The file of the gateway.

mod file {
    use std::path::Path;

    use mcp_openai_bridge::gateway::config::{Config, Reach};

    fn parse(text: &str) -> Result<Config, String> {
        let variable = |name: &str| (name == "KEY").then(|| "hunter2".to_owned());
        let parsed = Config::parse(text, Path::new("/etc/bridge"), &variable);
        parsed.map(|(config, _)| config).map_err(|error| error.to_string())
    }

    #[test]
    fn no_credential_of_the_file_is_shown() {
        let config = parse(
            "
general_settings: {master_key: os.environ/KEY}
model_list: [{model_name: m, litellm_params: {model: gpt-4o, api_key: hunter2}}]
mcp_servers:
  a: {url: 'https://a/hunter2/mcp', auth_type: api_key, auth_value: hunter2}
  b: {command: server, env: {TOKEN: hunter2}}
",
        );
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn no_credential_of_the_file_is_in_its_errors() {
        for text in [
            "mcp_servers: {a: {url: 'http://me:hunter2@a'}}",
            "mcp_servers: {a: {url: os.environ/KEY}}",
            "mcp_servers: {a: {url: 'http://a', auth_type: os.environ/KEY, auth_value: x}}",
            "mcp_servers: {a: {url: 'http://a', auth_type: token, auth_value: \"hunter2\\n\\t\\u0001\"}}",
            "mcp_servers: {a: {url: 'http://a', static_headers: {X: \"hunter2\\u0001\"}}}",
            "model_list: [{model_name: m, litellm_params: {model: m, api_key: [hunter2]}}]",
            "general_settings: {master_key: {hunter2: hunter2}}",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    /// LiteLLM goes on with the usual certificates in silence (bridges 1.5).
    #[test]
    fn a_file_of_certificates_that_is_not_there_is_an_error() {
        let error = parse("mcp_servers: {a: {url: 'https://a', ssl_verify: gone.pem}}").unwrap_err();
        assert!(error.contains("cannot read the CA file `/etc/bridge/gone.pem`"), "{error}");
    }

    #[test]
    fn a_server_that_is_a_program_gets_only_the_environment_that_the_file_gives_it() {
        let config = parse("mcp_servers: {a: {command: server, env: {OWN: x}}}").unwrap();
        let Reach::Stdio(command) = &config.servers[0].reach else { panic!() };
        let shown = format!("{command:?}");
        assert!(shown.contains("inherits_env: false") && shown.contains(r#"env: ["OWN"]"#), "{shown}");
    }

    #[test]
    fn what_is_written_to_be_expanded_without_end_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
        }
        for text in [bomb, "[".repeat(100_000), "a: &a [*a]".to_owned(), "a: 1\na: 2\n".to_owned()] {
            let error = parse(&text).unwrap_err();
            assert!(error.len() < 200, "{error}");
        }
    }
}

// The client.

mod client {
    use std::error::Error as StdError;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use mcp_client::Tls;
    use mcp_openai_bridge::client::{Auth, McpClient};
    use mcp_openai_bridge::servers::Servers;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// An HTTP server that answers every request by a status, headers and a body, `{seen}` in it replaced by what it was sent.
    pub(super) struct Echo {
        pub(super) url: String,
        pub(super) requests: Arc<AtomicUsize>,
        /// The head of the last request.
        head: Arc<Mutex<String>>,
    }

    impl Echo {
        pub(super) async fn start(status: &str, headers: &str, body: &str) -> Self {
            let (status, headers, body) = (status.to_owned(), headers.to_owned(), body.to_owned());
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/mcp", listener.local_addr().unwrap());
            let echo = Self { url, requests: Arc::default(), head: Arc::default() };
            let (requests, last) = (Arc::clone(&echo.requests), Arc::clone(&echo.head));
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    requests.fetch_add(1, Ordering::SeqCst);
                    let mut head = vec![0; 64 * 1024];
                    let length = stream.read(&mut head).await.unwrap();
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let one_line = head.replace(['\r', '\n', '"'], " ");
                    let body = body.replace("{seen}", &one_line);
                    *last.lock().unwrap() = head;
                    let length = body.len();
                    let end = format!("content-length: {length}\r\nconnection: close\r\n\r\n{body}");
                    let text = format!("HTTP/1.1 {status}\r\n{headers}{end}");
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            });
            echo
        }
    }

    /// All that an error says, to a human and to a developer.
    pub(super) fn told(error: &dyn StdError) -> String {
        let mut told = format!("{error} {error:?}");
        let mut next = error.source();
        while let Some(cause) = next {
            told.push_str(&format!(" {cause} {cause:?}"));
            next = cause.source();
        }
        told
    }

    pub(super) const SECRET: &str = "hunter2";

    /// A client with the secret wherever one can be.
    fn armed(url: &str) -> McpClient {
        McpClient::http(format!("{url}?key={SECRET}"))
            .auth(Auth::basic(format!("me:{SECRET}")))
            .header("X-Token", SECRET)
            .header("X-Bearer", format!("Bearer {SECRET}"))
    }

    #[tokio::test]
    async fn no_error_and_no_outcome_says_a_credential() {
        let basic = "bWU6aHVudGVyMg";
        let check = async |url: &str| {
            let client = armed(url);
            let error = client.list_tools().await.unwrap_err();
            let listing = Servers::builder().server(client.upstream("lab")).build().list().await;
            let outcome = &listing.outcomes[0];
            assert!(outcome.error.is_some());
            for text in [told(&error), format!("{client:?}"), format!("{outcome} {outcome:?}")] {
                assert!(!text.contains(SECRET) && !text.contains(basic), "{text}");
            }
        };
        check("http://127.0.0.1:1/mcp").await;
        check("https://127.0.0.1:1/mcp").await;
        check("ftp://example.com/mcp").await;
        check(&format!("http://me:{SECRET}@127.0.0.1:1/mcp")).await;
        check(&format!("http://[{SECRET}/mcp")).await;
        let reported = r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"{seen}"}}"#;
        let json = "content-type: application/json\r\n";
        for (status, headers, body) in [
            ("401 Unauthorized", "", "{seen}"),
            ("401 Unauthorized", "www-authenticate: Bearer error=\"hunter2 is wrong\"\r\n", ""),
            ("403 Forbidden", json, reported),
            ("500 Internal Server Error", "", "{seen}"),
            ("200 OK", json, reported),
            ("200 OK", "content-type: text/plain\r\n", "{seen}"),
            ("302 Found", "location: /elsewhere?key=hunter2\r\n", ""),
        ] {
            check(&Echo::start(status, headers, body).await.url).await;
        }
    }

    #[tokio::test]
    async fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
        let client = McpClient::http("http://127.0.0.1:1/mcp").auth(Auth::bearer_token(format!("{SECRET}\nX: y")));
        let error = told(&client.list_tools().await.unwrap_err());
        assert!(error.contains("Authorization") && !error.contains(SECRET), "{error}");
    }

    /// LiteLLM falls back to other certificates in silence.
    #[test]
    fn a_path_of_certificates_that_does_not_exist_is_an_error_that_names_it() {
        let error = told(&Tls::platform().ca_file("/nowhere/ca-bundle.crt").unwrap_err());
        assert!(error.contains("/nowhere/ca-bundle.crt"), "{error}");
    }

    #[tokio::test]
    async fn a_redirect_to_another_origin_is_given_no_credentials_and_no_request() {
        let other = Echo::start("200 OK", "", "{}").await;
        let first = Echo::start("307 Temporary Redirect", &format!("location: {}\r\n", other.url), "").await;
        let error = told(&armed(&first.url).list_tools().await.unwrap_err());
        assert!(first.requests.load(Ordering::SeqCst) > 0 && error.contains(&other.url), "{error}");
        assert_eq!(other.requests.load(Ordering::SeqCst), 0);
    }

    /// LiteLLM sends `Authorization` and `authorization` side by side.
    #[tokio::test]
    async fn a_request_has_one_header_of_each_name() {
        let echo = Echo::start("401 Unauthorized", "", "").await;
        let client = McpClient::http(&echo.url).auth(Auth::bearer_token("a")).header("authorization", "b");
        assert!(client.list_tools().await.is_err());
        let head = echo.head.lock().unwrap().to_ascii_lowercase();
        let sent: Vec<&str> = head.lines().filter(|line| line.starts_with("authorization")).collect();
        assert_eq!(sent, ["authorization: b"]);
    }
}

// The model.

mod model {
    use std::sync::atomic::Ordering;

    use mcp_openai_bridge::chat::{Message, Request};
    use mcp_openai_bridge::model::HttpModel;

    use super::client::{Echo, SECRET, told};

    fn armed(url: &str) -> HttpModel {
        let builder = HttpModel::builder(format!("{url}?key={SECRET}-in-the-query")).key(SECRET);
        builder.header("api-key", format!("{SECRET}-in-a-header")).build().unwrap()
    }

    fn request() -> Request {
        Request::new("m", [Message::user("Hi")])
    }

    #[tokio::test]
    async fn no_error_of_a_model_says_a_credential() {
        assert!(!format!("{:?}", armed("http://127.0.0.1:1")).contains(SECRET));
        let (json, events) = ("content-type: application/json\r\n", "content-type: text/event-stream\r\n");
        for (status, headers, body) in [
            ("401 Unauthorized", json, r#"{"error":{"message":"{seen}","code":"{seen}"}}"#),
            ("500 Internal Server Error", "", "{seen}"),
            ("200 OK", json, "{seen}"),
            ("200 OK", json, r#"{"error":"{seen}"}"#),
            ("200 OK", events, "data: {\"error\":{\"message\":\"{seen}\"}}\n\n"),
            ("200 OK", events, "data: {seen}\n\n"),
            ("302 Found", "location: /elsewhere?key=hunter2\r\n", ""),
        ] {
            let echo = Echo::start(status, headers, body).await;
            let model = armed(&echo.url);
            for error in
                [model.ask(&request()).await.unwrap_err(), model.ask_streamed(&request(), |_| ()).await.unwrap_err()]
            {
                assert!(!told(&error).contains(SECRET), "{status} {body}: {}", told(&error));
            }
            assert!(echo.requests.load(Ordering::SeqCst) > 0);
        }
        for url in ["http://me:hunter2@127.0.0.1:1", "ftp://h/?k=hunter2", "/v1?k=hunter2", "http://h:hunter2"] {
            let error = told(&HttpModel::builder(url).build().unwrap_err());
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[tokio::test]
    async fn a_redirect_of_a_provider_is_given_no_key_and_no_request() {
        let other = Echo::start("200 OK", "", "{}").await;
        let first = Echo::start("307 Temporary Redirect", &format!("location: {}\r\n", other.url), "").await;
        let error = armed(&first.url).ask(&request()).await.unwrap_err();
        assert!(told(&error).contains("it redirects"), "{error}");
        assert_eq!(other.requests.load(Ordering::SeqCst), 0);
    }
}
