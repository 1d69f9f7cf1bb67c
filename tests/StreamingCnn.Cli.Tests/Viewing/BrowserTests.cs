using System.Globalization;
using NetVips;
using StreamingCnn.Cli.Viewing;

namespace StreamingCnn.Cli.Tests.Viewing;

/// <summary>The page as people use it, in Chromium; skipped where there is none.</summary>
public sealed class BrowserTests(BrowserTests.SampleFolder sample) : IClassFixture<BrowserTests.SampleFolder>
{
    private const string IsLoaded = "state.image && [...Array(viewer.world.getItemCount()).keys()].every(i => viewer.world.getItemAt(i).getFullyLoaded())"
        + " && viewer.world.getItemCount() === 1 + state.overlays.filter(one => one.item).length"
        + " && state.overlays.every(one => !one.shown || one.item || one.shapes)";

    private const string Settled = IsLoaded + " && Math.abs(viewer.viewport.getZoom(true) - viewer.viewport.getZoom()) < 1e-6"
        + " && Math.abs(viewer.viewport.getCenter(true).x - viewer.viewport.getCenter().x) < 1e-9";

    private readonly TemporaryFolder folder = sample.Folder;

    [Fact]
    public async Task A_served_page_shows_moves_and_zooms_by_keys_wheel_pointer_and_fingers()
    {
        using var gallery = new Gallery([Sample()]);
        await using var server = await ViewServer.StartAsync(gallery, 0);
        await using var browser = await Browser.StartAsync();
        await browser.Open(server.Address);
        await browser.Until(IsLoaded);
        Assert.Equal("sample.tif", (string?)await browser.Evaluate("find('name').textContent"));
        Assert.Equal("2\u202f100 \u00d7 1\u202f500 px", (string?)await browser.Evaluate("find('size').textContent"));
        Assert.False((bool)(await browser.Evaluate("find('bar').hidden"))!);

        await browser.Press("0");
        await browser.Until(Settled);
        var home = await Zoom();
        await Zooms("+", home * 1.5);
        await Zooms("-", home);
        await browser.Press("a");
        await browser.Until(Settled);
        Assert.Equal("100 %", (string?)await browser.Evaluate("find('zoom').textContent"));
        var middle = await Number("viewer.viewport.getCenter().x");
        await browser.Press("ArrowRight");
        await browser.Until(Settled);
        Assert.True(await Number("viewer.viewport.getCenter().x") > middle);
        await browser.Press("0");
        await browser.Until(Settled);
        Assert.Equal(home, await Zoom(), 1e-6);

        await browser.Wheel(400, 300, -300);
        await browser.Until($"viewer.viewport.getZoom() > {home * 1.1}");
        await browser.Until(Settled);
        middle = await Number("viewer.viewport.getCenter().x");
        await browser.Drag((600, 400), (450, 350));
        await browser.Until(Settled);
        Assert.True(await Number("viewer.viewport.getCenter().x") > middle);
        var zoomed = await Zoom();
        await browser.Spread(500, 400, 40, 160);
        await browser.Until($"viewer.viewport.getZoom() > {zoomed * 1.2}");

        Assert.Empty(browser.Complaints);
        // Nothing comes from elsewhere.
        Assert.All(browser.Requests, request => Assert.True(
            request.StartsWith(server.Address.ToString(), StringComparison.Ordinal) || request.StartsWith("data:", StringComparison.Ordinal)
                || request.StartsWith("blob:", StringComparison.Ordinal),
            request));

        async Task Zooms(string key, double expected)
        {
            await browser.Press(key);
            await browser.Until(Settled);
            Assert.Equal(expected, await Zoom(), 1e-6 * expected);
        }

        async Task<double> Number(string expression) => (double)(await browser.Evaluate(expression))!;

        Task<double> Zoom() => Number("viewer.viewport.getZoom()");
    }

    [Fact]
    public async Task Overlays_lie_where_they_belong_and_go_on_and_off()
    {
        using var gallery = new Gallery([Sample()]);
        await using var server = await ViewServer.StartAsync(gallery, 0);
        await using var browser = await Browser.StartAsync();
        await browser.Open(server.Address);
        await browser.Until(IsLoaded);
        // The map of classes alone is shown at first.
        Assert.Equal("[true,false,false]", await Shown());
        await browser.Press("1");
        Assert.Equal("[false,false,false]", await Shown());
        await browser.Evaluate("setOpacity(state.overlays[0], 1), setOpacity(state.overlays[1], 1), 0");
        await browser.Press("a");
        foreach (var spot in ViewedSample.Spots)
        {
            await browser.Evaluate($"viewer.viewport.panTo(new OpenSeadragon.Point({spot.X} / state.image.width, {spot.Y} / state.image.width), true), 0");
            await browser.Until(Settled);
            var plain = await At(spot);
            // Colours of the spots, darker than the tissue around them.
            Assert.True(plain[1] < 130, string.Join(" ", plain));

            await browser.Press("1");
            await browser.Until(Settled);
            var known = ViewedSample.Classes[2];
            Near([known.Red, known.Green, known.Blue], await At(spot));
            // Just within the edge it is a spot, and just beyond it is not.
            Near([known.Red, known.Green, known.Blue], await At((spot.Y, spot.X - (int)(spot.Radius * 0.8), 0)));
            var tissue = ViewedSample.Classes[1];
            Near([tissue.Red, tissue.Green, tissue.Blue], await At((spot.Y, spot.X - (int)(spot.Radius * 1.25), 0)));

            await browser.Press("1");
            await browser.Press("2");
            await browser.Until(Settled);
            var hot = await At(spot);
            Assert.True(hot[0] > hot[2] + 60, string.Join(" ", hot));

            await browser.Press("2");
            await browser.Press("3");
            await browser.Until(Settled);
            await browser.Point(await X(spot.X), await Y(spot.Y));
            await browser.Until("find('shape').textContent.startsWith('spot')");
            Assert.StartsWith($"x {spot.X.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202f')}, y ", (string?)await browser.Evaluate("find('position').textContent"), StringComparison.Ordinal);
            await browser.Press("3");
            Assert.Equal("[false,false,false]", await Shown());
        }

        await browser.Press("1");
        await browser.Press("3");
        await browser.Press("o");
        Assert.Equal("[false,false,false]", await Shown());
        await browser.Press("o");
        Assert.Equal("[true,false,true]", await Shown());
        await browser.Press("[");
        Assert.Equal(0.9, (double)(await browser.Evaluate("state.overlays[2].opacity"))!, 1e-9);
        Assert.Equal("tissue,spot", (string?)await browser.Evaluate("[...document.querySelectorAll('#overlays li:first-child .classes li')].map(one => one.textContent).join()"));
        Assert.Empty(browser.Complaints);

        async Task<string> Shown() => (await browser.Evaluate("state.overlays.map(one => one.shown)"))!.ToJsonString();

        async Task<double> X(int x) => (double)(await browser.Evaluate($"place().x + place().scale * ({x} + 0.5)"))!;

        async Task<double> Y(int y) => (double)(await browser.Evaluate($"place().y + place().scale * ({y} + 0.5) + find('viewer').getBoundingClientRect().top"))!;

        async Task<byte[]> At((int Y, int X, int Radius) spot)
        {
            using var picture = Image.NewFromBuffer(await browser.Picture());
            var (x, y) = ((int)await X(spot.X), (int)await Y(spot.Y));
            Assert.InRange(x, 0, picture.Width - 1);
            return [.. picture[x, y].Take(3).Select(part => (byte)part)];
        }

        static void Near(byte[] expected, byte[] found) =>
            Assert.True(expected.Zip(found, (a, b) => Math.Abs(a - b)).Max() < 12, $"{string.Join(" ", expected)} and not {string.Join(" ", found)}");
    }

    [Fact]
    public async Task A_folder_is_opened_from_the_disk()
    {
        var second = folder.File("second.tif");
        TaggedTiff.Of(90, 40, 1, (y, x, _) => (byte)((y * 2) + x)).WriteTo(second);
        using var gallery = new Gallery([Sample(), new(second, [], new(), null)]);
        var page = folder.File("a page #1");
        ViewFolder.Write(gallery, page, (_, _) => { }, CancellationToken.None);
        await using var browser = await Browser.StartAsync();
        await browser.Open(new Uri(Path.Combine(page, PageFiles.Index).Replace("#", "%23", StringComparison.Ordinal)));
        await browser.Until(IsLoaded);
        await browser.Press("a");
        await browser.Press("3");
        await browser.Until(Settled);
        Assert.Equal("sample.tif", (string?)await browser.Evaluate("state.image.name"));
        await browser.Press("PageDown");
        await browser.Until("state.image && state.image.name === 'second.tif'");
        await browser.Until(IsLoaded);
        Assert.True((bool)(await browser.Evaluate("find('bar').hidden"))!);
        await browser.Press("PageDown");
        await browser.Until("state.image && state.image.name === 'sample.tif'");
        await browser.Until(IsLoaded);
        Assert.Empty(browser.Complaints);
        Assert.All(browser.Requests, request => Assert.Matches("^(file|data|blob):", request));
    }

    [Fact]
    public async Task What_cannot_be_read_is_said_on_the_page()
    {
        File.WriteAllText(folder.File("broken.tif"), "II*");
        using var gallery = new Gallery([Sample(), new(folder.File("broken.tif"), [], new(), null)]);
        await using var server = await ViewServer.StartAsync(gallery, 0);
        await using var browser = await Browser.StartAsync();
        await browser.Open(new Uri(server.Address, "#1"));
        await browser.Until("find('notice').classList.contains('bad')");
        Assert.StartsWith(folder.File("broken.tif"), (string?)await browser.Evaluate("find('notice').textContent"), StringComparison.Ordinal);
        await browser.Evaluate("load(0), 0");
        await browser.Until(IsLoaded);
        Assert.True((bool)(await browser.Evaluate("find('notice').hidden"))!);
    }

    [Fact]
    public async Task In_a_narrow_window_the_image_has_the_room()
    {
        using var gallery = new Gallery([Sample()]);
        await using var server = await ViewServer.StartAsync(gallery, 0);
        await using var browser = await Browser.StartAsync();
        await browser.Resize(390, 780, isTouched: true);
        await browser.Open(server.Address);
        await browser.Until(IsLoaded);
        Assert.True((bool)(await browser.Evaluate("find('panel').hidden"))!);
        Assert.True((double)(await browser.Evaluate("find('stage').clientHeight"))! > 600);
        await browser.Evaluate("find('panel-button').click()");
        Assert.False((bool)(await browser.Evaluate("find('panel').hidden"))!);
        Assert.True((double)(await browser.Evaluate("find('stage').clientHeight"))! > 300);
        // Nothing hangs over the edge.
        Assert.Equal(390, (double)(await browser.Evaluate("document.documentElement.scrollWidth"))!);
        Assert.Empty(browser.Complaints);
    }

    /// <summary>The picture of the documentation, which is taken where documents are written anew.</summary>
    [Fact]
    public async Task The_documentation_has_a_picture_of_the_page()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("UPDATE_DOCS") is null, "The picture is taken with UPDATE_DOCS=1.");
        using var gallery = new Gallery([Sample()]);
        await using var server = await ViewServer.StartAsync(gallery, 0);
        await using var browser = await Browser.StartAsync(1100, 640);
        await browser.Open(server.Address);
        await browser.Until(IsLoaded);
        await browser.Press("1");
        await browser.Press("2");
        await browser.Press("3");
        await browser.Press("+");
        await browser.Point(690, 400);
        await browser.Until(Settled);
        using var picture = Image.NewFromBuffer(await browser.Picture());
        var docs = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(docs!.FullName, "StreamingCnn.slnx")))
            docs = docs.Parent;
        picture.Pngsave(Path.Combine(docs.FullName, "docs", "figures", "view.png"), palette: true, compression: 9);
    }

    private ViewedFile Sample() => new(
        folder.File("sample.tif"), [.. OverlayFile.In(folder.Path, folder.File("sample.tif"))], new(), ViewedSample.MicrometresPerPixel);

    /// <summary>The image and its maps, which no test changes.</summary>
    public sealed class SampleFolder : IDisposable
    {
        public SampleFolder() => ViewedSample.Write(Folder);

        public TemporaryFolder Folder { get; } = new();

        public void Dispose() => Folder.Dispose();
    }
}
