import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/** A backend on Java's own TLS: `java Backend.java PORT KEYS VERSION [TRUSTED]`. */
class Backend {
    static KeyStore store(String path) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(path), "secret".toCharArray());
        return store;
    }

    public static void main(String[] args) throws Exception {
        var keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store(args[1]), "secret".toCharArray());
        var context = SSLContext.getInstance("TLS");
        var trusts = TrustManagerFactory.getInstance("PKIX");
        trusts.init(store(args[1]));
        context.init(keys.getKeyManagers(), trusts.getTrustManagers(), null);
        var server = HttpsServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters wanted = context.getDefaultSSLParameters();
                wanted.setProtocols(new String[] {"TLSv" + args[2]});
                wanted.setNeedClientAuth(args.length > 3);
                parameters.setSSLParameters(wanted);
            }
        });
        answer(server);
    }

    static void answer(HttpServer server) {
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("ok\n".getBytes());
            exchange.close();
        });
        server.start();
    }
}
