using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using StreamingCnn.Cli.Viewing;
using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Tests.Viewing;

/// <summary>The server answers what the page asks for, and nothing else, to nobody else.</summary>
public sealed class ViewServerTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly HttpClient client = new();
    private Gallery gallery = null!;
    private ViewServer server = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        TaggedTiff.Of(700, 900, 3, (y, x, band) => (byte)(y + (x * band)), tile: 128).WriteTo(folder.File("<!--<script> & first.tif"));
        TaggedTiff.Of(70, 90, 1, (y, x, _) => (float)(y * x), tile: 16).WriteTo(folder.File("heat.tif"));
        TaggedTiff.Of(30, 20, 1, (y, _, _) => (byte)y).WriteTo(folder.File("second.tif"));
        folder.Write("shapes.geojson", """
            {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[30.123,2],[30,40],[1,2]]]},"properties":{"class":"</script>"}}
            """);
        folder.Write("broken.tif", "II*");
        gallery = new(
        [
            new(
                folder.File("<!--<script> & first.tif"),
                [
                    OverlayFile.Of(folder.File("heat.tif"), OverlayKind.Heat), OverlayFile.Of(folder.File("shapes.geojson"), OverlayKind.Shapes),
                ],
                new(),
                0.5),
            new(folder.File("second.tif"), [], new(), null),
            new(folder.File("broken.tif"), [], new(), null),
        ]);
        server = await ViewServer.StartAsync(gallery, 0);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        gallery.Dispose();
        client.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task The_page_and_all_that_it_needs_are_there()
    {
        var page = await Get("");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        var text = await page.Content.ReadAsStringAsync(Stop);
        // What the page refers to stands beside it: there is nothing from elsewhere.
        Assert.DoesNotContain("//", text, StringComparison.Ordinal);
        foreach (var name in (string[])["openseadragon.min.js", "view.js", "view.css", "scene.js", "OpenSeadragon.txt"])
        {
            Assert.Contains(name, text, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await Get(name)).StatusCode);
        }

        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self' 'sha256-", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("same-origin", page.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
    }

    [Fact]
    public async Task The_page_is_told_of_images_layers_and_shapes()
    {
        using var scene = await Told("scene.js", "showScene");
        Assert.True(scene.RootElement.GetProperty("live").GetBoolean());
        Assert.Equal(
            ["<!--<script> & first.tif", "second.tif", "broken.tif"],
            scene.RootElement.GetProperty("images").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal("rgba(164, 252, 60, 0)", scene.RootElement.GetProperty("heat")[0].GetString());

        using var image = await Told("images/0/image.js", "showImage");
        var root = image.RootElement;
        Assert.Equal((700, 900), (root.GetProperty("height").GetInt32(), root.GetProperty("width").GetInt32()));
        Assert.Equal(0.5, root.GetProperty("across").GetDouble());
        var layers = root.GetProperty("layers");
        Assert.Equal((1, 10, "jpg"), Layer(0));
        Assert.Equal((8, 7, "png"), Layer(1));
        var overlays = root.GetProperty("overlays");
        Assert.Equal(("heat", 69 * 89), (overlays[0].GetProperty("kind").GetString(), overlays[0].GetProperty("limit").GetInt32()));
        Assert.Equal("</script>", overlays[1].GetProperty("classes")[0].GetProperty("name").GetString());

        using var shapes = await Told("images/0/shapes/1.js", "showShapes");
        Assert.Equal("[0,\"\",[1,2,30.12,2,30,40]]", JsonSerializer.Serialize(shapes.RootElement.GetProperty("shapes")[0]));

        (int Scale, int Top, string? Ending) Layer(int number) => (
            layers[number].GetProperty("scale").GetInt32(),
            layers[number].GetProperty("top").GetInt32(),
            layers[number].GetProperty("ending").GetString());
    }

    /// <summary>A name cannot end the script that tells it.</summary>
    [Fact]
    public async Task Names_of_files_are_no_markup()
    {
        foreach (var address in (string[])["scene.js", "images/0/image.js", "images/0/shapes/1.js"])
            Assert.DoesNotContain("<", await client.GetStringAsync(new Uri(server.Address, address), Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tiles_are_cut()
    {
        foreach (var (address, type, start) in new[]
        {
            ("images/0/0_files/10/1_1.jpg", "image/jpeg", (byte[])[0xff, 0xd8]), ("images/0/0_files/0/0_0.jpg", "image/jpeg", [0xff, 0xd8]),
            ("images/0/1_files/7/0_0.png", "image/png", [0x89, 0x50]), ("images/1/0_files/5/0_0.jpg", "image/jpeg", [0xff, 0xd8]),
        })
        {
            var answer = await Get(address);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
            Assert.Equal(start, (await answer.Content.ReadAsByteArrayAsync(Stop))[..2]);
        }

        Assert.Contains("Overlap=\"0\" TileSize=\"512\"", await client.GetStringAsync(new Uri(server.Address, "images/0/0.dzi"), Stop), StringComparison.Ordinal);
        Assert.Equal("1", await client.GetStringAsync(new Uri(server.Address, "images/0/state.json"), Stop));
    }

    [Fact]
    public async Task Many_requests_at_once_are_all_answered()
    {
        var tiles = Enumerable.Range(0, 60).Select(
            i => client.GetByteArrayAsync(new Uri(server.Address, $"images/{i % 2}/0_files/{i % 6}/0_0.jpg"), Stop));
        Assert.All(await Task.WhenAll(tiles), bytes => Assert.NotEmpty(bytes));
    }

    [Theory]
    [InlineData("images/0/0_files/10/2_0.jpg")]
    [InlineData("images/0/0_files/11/0_0.jpg")]
    [InlineData("images/0/0_files/10/-1_0.jpg")]
    [InlineData("images/0/0_files/10/0_0.png")]
    [InlineData("images/0/0_files/10/0_0_0.jpg")]
    [InlineData("images/0/0_files/99999999999/0_0.jpg")]
    [InlineData("images/0/2_files/0/0_0.jpg")]
    [InlineData("images/3/image.js")]
    [InlineData("images/0/shapes/0.js")]
    [InlineData("images/0/shapes/2.js")]
    [InlineData("images/0/")]
    [InlineData("images")]
    [InlineData("second.tif")]
    [InlineData("images/../second.tif")]
    [InlineData("images/0/0_files/..%2f..%2f/0_0.jpg")]
    [InlineData("..%2f..%2fetc%2fpasswd")]
    [InlineData("%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("page/view.js")]
    [InlineData("view.js%00")]
    public async Task What_was_not_given_is_not_there(string address)
    {
        // Sent as it stands: a client would take the dots out.
        var answer = await Send($"GET {server.Address.AbsolutePath}{address} HTTP/1.1\r\nHost: {server.Address.Authority}\r\nConnection: close\r\n\r\n");
        Assert.Matches("^HTTP/1.1 40[04] ", answer);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_told_in_a_sentence()
    {
        var answer = await Get("images/2/image.js");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.StartsWith(folder.File("broken.tif"), await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        // The others go on.
        Assert.Equal(HttpStatusCode.OK, (await Get("images/1/image.js")).StatusCode);
    }

    /// <summary>A page from elsewhere whose name was turned to this address reads nothing, nor does who guesses.</summary>
    [Fact]
    public async Task Others_are_turned_away()
    {
        var path = server.Address.AbsolutePath;
        foreach (var host in (string[])["evil.example", $"evil.example:{server.Address.Port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil.example"])
        {
            var answer = await Send($"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            Assert.Matches("^HTTP/1.1 40[03] ", answer);
            Assert.DoesNotContain("<html", answer, StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"http://localhost:{server.Address.Port}{path}", Stop)).StatusCode);
        foreach (var wrong in (string[])["/", "/view.js", "/images/0/image.js", $"{path[..^3]}xx/", path.TrimEnd('/')])
            Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri(server.Address, wrong), Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync(server.Address, null, Stop)).StatusCode);
        using var written = await client.PutAsync(new Uri(server.Address, "view.js"), new ByteArrayContent(new byte[9]), Stop);
        Assert.NotEqual(HttpStatusCode.OK, written.StatusCode);
        using var head = await client.SendAsync(new(HttpMethod.Head, server.Address), Stop);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
    }

    [Fact]
    public async Task Only_this_machine_is_listened_to()
    {
        var others = (await Dns.GetHostAddressesAsync(Dns.GetHostName(), Stop))
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address)).ToArray();
        Assert.SkipWhen(others.Length == 0, "This machine has no address but the loopback one.");
        using var socket = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(others[0], server.Address.Port, Stop));
    }

    [Fact]
    public void Images_are_closed_again()
    {
        // Of many images a few are open; one that is used is not closed.
        var file = new ViewedFile(folder.File("second.tif"), [], new ImageOptions(), null);
        using var many = new Gallery([.. Enumerable.Repeat(file, 9)]);
        many.Use(0, first =>
        {
            for (var number = 1; number < 9; number++)
                many.Use(number, image => image.Layers[0].Encode(new(0, 0, 0)));
            return first.Layers[0].Encode(new(5, 0, 0));
        });
        var opened = many.Use(0, image => image);
        Assert.Same(opened, many.Use(0, image => image));
        for (var number = 1; number < 5; number++)
            many.Use(number, image => image);
        Assert.NotSame(opened, many.Use(0, image => image));
    }

    private Task<HttpResponseMessage> Get(string address) => client.GetAsync(new Uri(server.Address, address), Stop);

    private async Task<JsonDocument> Told(string address, string function)
    {
        var text = await client.GetStringAsync(new Uri(server.Address, address), Stop);
        Assert.StartsWith($"{function}(", text, StringComparison.Ordinal);
        return JsonDocument.Parse(text[(function.Length + 1)..text.LastIndexOf(')')]);
    }

    private async Task<string> Send(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port, Stop);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Stop);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(Stop);
    }
}
