"""The client leaves, or the backend answers an upload early."""
from . import case

case("client-gone-nginx-node", "client_leaves", "nginx", "node", "the client closes before the answer, and in the middle of it; both legs in one capture", capture=dict(proxy_any=True))
case("client-gone-unseen-haproxy-node", "client_leaves", "haproxy", "node", "the same, without the front leg in the capture", p=dict(extra="option abortonclose"))
case("upload-nginx-raw", "upload_cut", "nginx", "raw", "413 and a reset while nginx passes an upload on", b=dict(mode="early_413"), p=dict(extra="proxy_request_buffering off;"))
