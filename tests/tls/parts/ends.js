// A proxy or a backend: `node ends.js proxy|backend KEY=VALUE ...`.
const fs = require('fs');
const http = require('http');
const https = require('https');

const options = Object.fromEntries(process.argv.slice(3).map((word) => word.split(/=(.*)/s)));
const file = (name) => (options[name] ? fs.readFileSync(options[name]) : undefined);
const [host, port] = options.listen.split(':');
const tls = { key: file('key'), cert: file('cert') };
if (options.tls) {
  tls.minVersion = tls.maxVersion = `TLSv${options.tls}`;
}
if (options.alpn) {
  tls.ALPNProtocols = [options.alpn];
}

if (process.argv[2] === 'backend') {
  const answers = (_, response) => response.end('ok\n');
  if (options.client_ca) {
    Object.assign(tls, { ca: file('client_ca'), requestCert: true, rejectUnauthorized: true });
  }
  const server = options.plain ? http.createServer(answers) : https.createServer(tls, answers);
  server.on('tlsClientError', (error) => console.error(error.message));
  server.listen(port, host);
} else {
  const agent = new https.Agent({ keepAlive: true, ...tls, ca: file('ca'), servername: options.name });
  http
    .createServer((request, response) => {
      const to = new URL(request.url, options.to);
      const { method } = request;
      const passed = (options.to.startsWith('https') ? https : http).request(to, {
        method,
        agent: options.to.startsWith('https') ? agent : undefined,
        timeout: 2000,
      });
      passed.on('timeout', () => passed.destroy(new Error('timeout')));
      passed.on('error', (error) => {
        console.error(error.message);
        response.writeHead(502).end();
      });
      passed.on('response', (answer) => {
        response.writeHead(answer.statusCode);
        answer.pipe(response);
      });
      request.pipe(passed);
    })
    .listen(port, host);
}
