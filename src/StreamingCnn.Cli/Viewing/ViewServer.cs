using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Viewing;

/// <summary>
/// Serves the page of a gallery to browsers of this machine: on the loopback address, below an address that nobody can guess, so that
/// neither other machines nor other people on this one, nor pages from elsewhere, can look at the images.
/// </summary>
internal sealed class ViewServer : IAsyncDisposable
{
    private const int MostConnections = 64;
    private const int BytesOfSecret = 12;

    // Nothing from elsewhere, and no script but the page's own. OpenSeadragon adds a style of its own, which is named by its hash.
    private const string Policy = "default-src 'none'; script-src 'self'; "
        + "style-src 'self' 'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='; img-src 'self' blob: data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly string[] Hosts = ["127.0.0.1", "localhost"];

    private readonly Gallery gallery;
    private readonly WebApplication application;
    private readonly SemaphoreSlim cutting = new(Math.Clamp(Environment.ProcessorCount, 2, 8));
    private readonly string secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(BytesOfSecret));
    private int port;

    private ViewServer(Gallery gallery, int port)
    {
        this.gallery = gallery;
        // The empty builder reads no settings from files or the environment, which might say other addresses.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        // Signals are the program's to handle.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        application = builder.Build();
        application.Run(Answer);
    }

    /// <summary>Address of the page.</summary>
    public Uri Address => new($"http://{Hosts[0]}:{port}/{secret}/");

    /// <summary>Starts to serve.</summary>
    /// <param name="gallery">The images; stay the caller's.</param>
    /// <param name="port">The port; 0 for any that is free.</param>
    /// <exception cref="ArgumentException">The port cannot be used.</exception>
    public static async Task<ViewServer> StartAsync(Gallery gallery, int port)
    {
        var server = new ViewServer(gallery, port);
        try
        {
            await server.application.StartAsync();
            var addresses = server.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
            server.port = new Uri(addresses.Addresses.Single()).Port;
            return server;
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await server.DisposeAsync();
            throw Refusal(port, error);
        }
    }

    /// <summary>Ends it; who waits for an answer gets none.</summary>
    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await application.StopAsync(atOnce.Token);
        await application.DisposeAsync();
        cutting.Dispose();
    }

    private static ArgumentException Refusal(int port, Exception error)
    {
        var cause = error;
        while (cause is not SocketException && cause.InnerException is { } inner)
            cause = inner;
        return cause is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            ? new ArgumentException($"The port {port} is taken by another program; give another one by --port, or leave it out to take any that is free.", error)
            : new ArgumentException($"The port {port} cannot be listened on: {cause.Message.TrimEnd('.')}; give another one by --port, or leave it out to take any that is free.", error);
    }

    private async Task Answer(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "private, max-age=600";
        // A page from elsewhere may have its own name stand for this address, and would then read what it likes.
        if (!Hosts.Contains(request.Host.Host) || request.Host.Port != port)
        {
            response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var (status, content) = await Find(request.Path.Value ?? "", context.RequestAborted);
        response.StatusCode = status;
        response.ContentType = content.Type;
        response.ContentLength = content.Bytes.Length;
        if (content.Type == "application/json" || status != StatusCodes.Status200OK)
            response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsGet(request.Method))
            await response.Body.WriteAsync(content.Bytes, context.RequestAborted);
    }

    private async Task<(int Status, PageContent Content)> Find(string path, CancellationToken aborted)
    {
        if (path.Split('/', 3) is not ["", var first, var rest]
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(first), Encoding.UTF8.GetBytes(secret)))
        {
            return Text(StatusCodes.Status404NotFound, "There is nothing here.");
        }

        // How far a file has been read is told while it is.
        var isCut = rest.Contains("_files/", StringComparison.Ordinal);
        if (isCut)
            await cutting.WaitAsync(aborted);
        try
        {
            var found = await Task.Run(() => PageContent.Find(gallery, rest, aborted), aborted);
            return found is null
                ? Text(StatusCodes.Status404NotFound, "There is nothing here.")
                : (StatusCodes.Status200OK, found);
        }
        catch (Exception error) when (error is ImageFormatException or IOException or UnauthorizedAccessException)
        {
            return Text(StatusCodes.Status500InternalServerError, error.Message);
        }
        finally
        {
            if (isCut)
                cutting.Release();
        }
    }

    private static (int Status, PageContent Content) Text(int status, string text) =>
        (status, new("text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text)));

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
