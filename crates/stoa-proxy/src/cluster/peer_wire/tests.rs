use super::*;
use crate::cluster::peer::node_name;

#[test]
fn a_forged_hop_is_refused() {
    for (hops, is_good) in [(0, false), (1, true), (2, false), (5, false)] {
        let body = format!(r#"{{"about":{{"module":"example.com/a/@v/list"}},"hops":{hops}}}"#);
        assert_eq!(PeerRequest::parse(body.as_bytes()).is_ok(), is_good, "{hops}");
    }
    assert!(
        PeerRequest::parse(br#"{"about":{"module":"x"}}"#).is_err(),
        "hops must be said"
    );
}

#[test]
fn a_question_arrives_as_it_was_sent() {
    let resource = PeerRequest::resource("example.com/!a/@v/v1.0.0.zip").expect("a resource");
    let mut context = Context::background();
    context.trace = Trace::of("r-1");
    let sent = PeerQuestion {
        resource: resource.clone(),
        context,
        from: 7,
        stored_only: true,
        renewed: Some(
            Instant::now()
                .checked_sub(Duration::from_millis(700))
                .expect("an uptime"),
        ),
    };
    let read = PeerRequest::parse(&PeerRequest::of(&sent).to_bytes()).expect("a question");
    assert_eq!(read.about, About::Stored(resource.path()));
    assert_eq!(read.from, 7);
    let ago = read.renewed().expect("a time").elapsed();
    assert!((700..2_000).contains(&ago.as_millis()), "{ago:?}");
    let context = read.context();
    assert_eq!(
        (context.hops, context.trace.to_string().as_str()),
        (Hops::One, "r-1")
    );
    assert_eq!(context.urgency.class(), Class::Background);
}

#[test]
fn what_a_node_is_sure_of_stays_what_it_is_and_nothing_else_becomes_it() {
    let name = SourceName::new("node b");
    let reply = Reply {
        status: 404,
        content_type: Some("text/plain".to_owned()),
        body: "not found: no such version".into(),
    };
    let not_found = FetchError::NotFound(NotFound {
        reason: "no such version".to_owned(),
        gone: false,
        reply: Some(reply.clone()),
    });
    let pass = |error: FetchError| {
        let json = serde_json::to_vec(&PeerFailure::of(&error.into())).expect("json");
        let failure: PeerFailure = serde_json::from_slice(&json).expect("a failure");
        failure.into_error(&name)
    };
    match pass(not_found) {
        FetchError::NotFound(passed) => assert_eq!((passed.gone, passed.reply), (false, Some(reply))),
        other => panic!("{other}"),
    }
    let refused = FetchError::Refused {
        reason: "a rule".to_owned(),
    };
    assert!(matches!(pass(refused), FetchError::Refused { reason } if reason == "a rule"));
    let invalid = FetchError::Invalid {
        source_name: SourceName::new("upstream"),
        reason: "no zip".to_owned(),
    };
    match pass(invalid) {
        FetchError::Condemned { reason, .. } => assert_eq!(reason, "upstream sent a bad answer: no zip"),
        other => panic!("{other}"),
    }
    let of_a_node = FetchError::Invalid {
        source_name: node_name("c"),
        reason: "no zip".to_owned(),
    };
    assert!(
        matches!(pass(of_a_node), FetchError::Unreadable { .. }),
        "a node that has wrong bytes harms nobody but itself"
    );
    let broke = || FetchError::Broken {
        source_name: SourceName::new("upstream"),
        cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("reset")),
    };
    assert!(matches!(pass(broke()), FetchError::Unreadable { .. }));
    let in_body = PeerFailure::of_body(&broke().into()).into_error(&name);
    assert!(matches!(in_body, FetchError::Condemned { .. }), "{in_body}");
    let broken = FetchError::Unsupported {
        reason: "svn".to_owned(),
    };
    assert!(matches!(pass(broken), FetchError::Unreadable { .. }));
    let later: PeerFailure =
        serde_json::from_str(r#"{"meaning":"of a later version","text":"x"}"#).expect("a failure");
    assert!(matches!(later.into_error(&name), FetchError::Unreadable { .. }));
}
