//! Load balancers and proxies that somebody else runs.

use super::product::{Limit, PROXY, Product, secs};

/// In the order of the list.
pub(super) const CLOUDS: &[Product] = &[
    Product {
        id: "aws-alb",
        name: "AWS Application Load Balancer",
        aliases: &["alb"],
        idle: secs(60),
        connect: secs(10),
        read: secs(60),
        idle_bounds_answer: true,
        accepts: Some("200"),
        retries: "none documented once the request was sent; 502 to client",
        knob: "idle_timeout.timeout_seconds",
        fix: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes \
                 Key=idle_timeout.timeout_seconds,Value={s}",
        place: "the load balancer's attributes",
        read_knob: "idle_timeout.timeout_seconds",
        read_place: "the load balancer's attributes",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html \
                 ; \
                 https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
        note: "idle_timeout.timeout_seconds 1-4000 applies to client AND target side; connect 10 \
                 s (504); target TLS handshake 10 s (502); response headers >32K =502; \
                 client_keep_alive.seconds default 3600 (60-604800) is client side only and does \
                 not reset on traffic; TCP keep-alive probes and h2 PING do not reset idle; \
                 HTTP/1.1 to target unless target group is HTTP2/GRPC",
        ..PROXY
    },
    Product {
        id: "aws-clb",
        name: "AWS Classic Load Balancer",
        aliases: &["clb"],
        idle: secs(60),
        read: secs(60),
        idle_bounds_answer: true,
        retries: "unknown",
        knob: "ConnectionSettings.IdleTimeout",
        fix: "aws elb modify-load-balancer-attributes --load-balancer-name NAME \
                 --load-balancer-attributes '{\"ConnectionSettings\":{\"IdleTimeout\":{s}}}'",
        place: "the load balancer's attributes",
        read_knob: "ConnectionSettings.IdleTimeout",
        read_place: "the load balancer's attributes",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/ts-elb-error-message.html",
        note: "instance closing keep-alive early is documented as a 504 cause (Cause 2), not 502; \
                 CLB pre-opens connections",
        ..PROXY
    },
    Product {
        id: "aws-nlb",
        name: "AWS Network Load Balancer (TCP)",
        aliases: &["nlb"],
        idle: secs(350),
        idle_bounds_answer: true,
        retries: "L4: none; RST after idle expiry",
        knob: "tcp.idle_timeout.seconds",
        fix: "aws elbv2 modify-listener-attributes --listener-arn ARN --attributes \
                 Key=tcp.idle_timeout.seconds,Value=350",
        place: "the listener's attributes",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
        checked: "2026-11-21",
        note: "never produces 502 itself; after idle expiry next packet is answered by RST; \
                 configurable 60-6000 s for TCP since 2024",
        ..PROXY
    },
    Product {
        id: "aws-apigw-rest",
        name: "AWS API Gateway REST/HTTP (integration)",
        aliases: &["apigw", "aws-apigw", "api-gateway"],
        read: secs(29),
        retries: "unknown",
        source: "https://aws.amazon.com/about-aws/whats-new/2024/06/amazon-api-gateway-integration-timeout-limit-29-seconds/ \
                 ; \
                 https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html",
        checked: "2026-11-21",
        note: "REST 29 s by default (more on request for regional and private ones since June \
                 2024), HTTP API 30 s and fixed; 504 to client; INTEGRATION_FAILURE / 'Endpoint \
                 request timed out'; idle connections to backends are not documented",
        ..PROXY
    },
    Product {
        id: "aws-cloudfront",
        name: "AWS CloudFront custom origin",
        aliases: &["cloudfront"],
        idle: secs(5),
        connect: secs(10),
        read: secs(30),
        retries: "3 connection attempts; GET/HEAD may be retried on origin no-response (not verified)",
        knob: "OriginKeepaliveTimeout",
        fix: r#""CustomOriginConfig": { "OriginKeepaliveTimeout": {s} }"#,
        place: "the distribution's configuration, in the origin",
        read_knob: "OriginReadTimeout",
        read_place: "the distribution's configuration, in the origin",
        source: "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_VpcOriginConfig.html",
        note: "keep-alive 1-120 s; read 1-120 s; attempts 1-3; response completion timeout \
                 optional; 502/504 X-Cache: Error from cloudfront",
        ..PROXY
    },
    Product {
        id: "gclb-global",
        name: "Google Cloud external ALB (GFE)",
        aliases: &["gcp", "gclb", "gfe", "google"],
        idle: secs(600),
        read: secs(30),
        retries: "GFE retries idempotent only on some failures (not verified); documented retry policy \
                 only for Envoy-based",
        read_knob: "timeoutSec",
        read_place: "the backend service",
        source: "https://docs.cloud.google.com/load-balancing/docs/https/request-distribution",
        note: "backend keepalive 600 s FIXED; client keepalive 610 s (5-1200); source \
                 35.191.0.0/16, 130.211.0.0/22 (same as probers); read 30 s default is not verified; may \
                 close with Connection: close + FIN/GOAWAY by itself",
        ..PROXY
    },
    Product {
        id: "gclb-regional",
        name: "Google Cloud regional/internal ALB (Envoy)",
        aliases: &["gcp-regional", "gcp-internal"],
        idle: secs(600),
        read: secs(30),
        retries: "Envoy retry policy in URL map",
        read_knob: "timeoutSec",
        read_place: "the backend service",
        source: "https://cloud.google.com/load-balancing/docs/https/request-distribution",
        note: "backend keepalive 600 s fixed; source proxy-only subnet",
        ..PROXY
    },
    Product {
        id: "azure-appgw",
        name: "Azure Application Gateway v2",
        aliases: &["appgw", "application-gateway"],
        idle: secs(60),
        read: secs(20),
        retries: "unknown",
        source: "https://github.com/MicrosoftDocs/azure-docs/issues/119580 ; \
                 https://docs.azure.cn/application-gateway/application-gateway-faq",
        checked: "2026-11-21",
        verified: false,
        note: "nginx based; backend side 60 s is a user statement in azure-docs#119580 (not in \
                 docs, looked for again: pages that say 240 s or 30 s contradict each other); \
                 client side keep-alive documented now 120 s (older docs: v2 75 s); request \
                 time-out 20 s default is not verified; private IP TCP idle 5 min, public 4 min",
        ..PROXY
    },
    Product {
        id: "azure-frontdoor",
        name: "Azure Front Door",
        aliases: &["frontdoor"],
        idle: secs(90),
        read: secs(60),
        retries: "unknown",
        source: "https://github.com/MicrosoftDocs/azure-docs/issues/118891",
        verified: false,
        note: "90 s is the documented CLIENT keep-alive; origin response timeout 60 s \
                 std/premium, 30 s classic (16-240); 502/503/504 via OriginConnectionAborted etc. \
                 (not verified)",
        ..PROXY
    },
    Product {
        id: "cloudflare",
        name: "Cloudflare proxy",
        idle: secs(900),
        connect: secs(19),
        read: secs(120),
        retries: "idempotent retried on fresh connection (not verified)",
        source: "https://developers.cloudflare.com/fundamentals/reference/connection-limits",
        note: "complete TCP connect 19 s ->522 (SYN backoff 1,1,1,1,1,2,4,8: \
                 cloudflare-docs#26927); ACK timeout 90 s ->522; proxy idle 900 s ->520; proxy \
                 read 100 s (2024) -> 120 s (stored doc) -> 125 s (reported Aug 2026) ->524; write \
                 30 s ->524; REJECT ->521",
        ..PROXY
    },
    Product {
        id: "fastly",
        name: "Fastly delivery",
        connect: secs(1),
        read: secs(15),
        retries: "restart only in VCL",
        source: "https://www.fastly.com/documentation/reference/vcl/variables/backend-connection/bereq-first-byte-timeout",
        note: "first byte 15 s documented; connect 1 s and between-bytes 10 s are not verified; http \
                 keep-alive per backend configurable; node-to-node cap 60 s",
        ..PROXY
    },
    Product {
        id: "heroku-router2",
        name: "Heroku Router 2.0",
        aliases: &["heroku"],
        idle: secs(90),
        connect: secs(5),
        read: secs(30),
        retries: "retries connect to other dynos (legacy); no request retry",
        knob: "labs:enable http-disable-keepalive-to-dyno",
        fix: "heroku labs:enable http-disable-keepalive-to-dyno",
        place: "the app's Heroku Labs features",
        source: "https://github.com/heroku/ruby-getting-started/pull/190 (cites devcenter \
                 http-routing#keepalives)",
        note: "legacy router had no keep-alive to dynos: migration to 2.0 newly EXPOSES the race; \
                 labs:enable http-disable-keepalive-to-dyno; H12 30 s, H13 closed without \
                 response, H18/H27",
        ..PROXY
    },
    Product {
        id: "oci-flb",
        name: "Oracle Cloud flexible LB",
        aliases: &["oci", "oracle"],
        idle: secs(65),
        requests: Limit::After(10_000),
        retries: "unknown",
        source: "https://qiita.com/fufukuku/items/e98bfd9e057a370c6a1a (quotes OCI docs)",
        note: "keep-alive until 10,000 transactions or 65 s idle, whichever first",
        ..PROXY
    },
];
