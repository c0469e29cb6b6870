// A proxy or a backend: `ends proxy|backend KEY=VALUE ...`.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
)

var options = map[string]string{}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func pool(path string) *x509.CertPool {
	pem, err := os.ReadFile(path)
	must(err)
	found := x509.NewCertPool()
	found.AppendCertsFromPEM(pem)
	return found
}

func config() *tls.Config {
	versions := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
	made := &tls.Config{MinVersion: versions["1.2"]}
	if version := options["tls"]; version != "" {
		made.MinVersion, made.MaxVersion = versions[version], versions[version]
	}
	if options["cert"] != "" {
		pair, err := tls.LoadX509KeyPair(options["cert"], options["key"])
		must(err)
		made.Certificates = []tls.Certificate{pair}
	}
	if options["alpn"] != "" {
		made.NextProtos = []string{options["alpn"]}
	}
	return made
}

func backend() {
	made := config()
	if options["client_ca"] != "" {
		made.ClientCAs = pool(options["client_ca"])
		made.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if options["only"] != "" {
		pair := made.Certificates[0]
		made.Certificates = nil
		made.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName == options["only"] {
				return &pair, nil
			}
			return nil, errors.New("no certificate for this name")
		}
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	server := &http.Server{Addr: options["listen"], Handler: answer, TLSConfig: made}
	if options["plain"] != "" {
		must(server.ListenAndServe())
	}
	if options["alpn"] == "h2" {
		listener, err := tls.Listen("tcp", options["listen"], made)
		must(err)
		must(server.Serve(listener))
	}
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	must(server.ListenAndServeTLS("", ""))
}

func proxy() {
	target, err := url.Parse(options["to"])
	must(err)
	passes := httputil.NewSingleHostReverseProxy(target)
	made := config()
	made.RootCAs = pool(options["ca"])
	made.ServerName = options["name"]
	passes.Transport = &http.Transport{
		TLSClientConfig:     made,
		TLSHandshakeTimeout: 2 * time.Second,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	must(http.ListenAndServe(options["listen"], passes))
}

func main() {
	for _, option := range os.Args[2:] {
		name, value, _ := strings.Cut(option, "=")
		options[name] = value
	}
	if os.Args[1] == "proxy" {
		proxy()
	} else {
		backend()
	}
}
