using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using StreamingCnn.Cli.Tests.Survival;
using StreamingCnn.Cli.Viewing;

namespace StreamingCnn.Cli.Tests.Viewing;

/// <summary>The command: what it refuses, what it writes, and how it ends.</summary>
public sealed class ViewTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public ViewTests()
    {
        TaggedTiff.Of(600, 800, 3, (y, x, band) => (byte)(y + (x * band)), tile: 128).WriteTo(folder.File("a.tif"));
        TaggedTiff.Of(60, 80, 1, (y, x, _) => (float)(y * x)).WriteTo(folder.File("heat.tif"));
        TaggedTiff.Of(60, 99, 1, (y, x, _) => (float)(y * x)).WriteTo(folder.File("other.tif"));
        folder.Write("shapes.geojson", """
            {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[30,2],[30,40],[1,2]]]},"properties":{"class":"a"}}
            """);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Bad_input_is_refused_in_a_sentence()
    {
        var image = folder.File("a.tif");
        Run(folder.File("none.tif")).IsRefused($"{folder.File("none.tif")}: there is no such file; check the path.");
        Run(image, "--heat", folder.File("none.tif")).IsRefused($"{folder.File("none.tif")}: there is no such file; check the path.");
        Run(image, "--heat", folder.File("other.tif")).IsRefused(
            $"{folder.File("other.tif")}: it has 60 x 99 pixels, which is another shape than the 600 x 800 (height x width) of the image '{image}'; give a map of the whole of that image.");
        Run(image, "--class-map", folder.File("heat.tif")).IsRefused(
            $"{folder.File("heat.tif")}: it has 1 channel(s) of float32, and a map of classes has one whole number at each position, or a table of colours; give such a file.");
        Run(image, "--polygons", folder.File("none.geojson")).IsRefused($"{folder.File("none.geojson")}: there is no such file; check the path.");
        Run(image, "--polygons", folder.Write("bad.geojson", "{")).IsRefused(
            $"{folder.File("bad.geojson")}: it is no JSON: Expected depth to be zero at the end of the JSON payload; export the polygons as GeoJSON again.");
        Run(image, "--results", folder.File("nowhere")).IsRefused(
            $"There is no folder '{folder.File("nowhere")}'; name the one that scnn predict or scnn saliency wrote into.");
        Run(image, "--results", folder.Path).IsRefused(
            $"The folder '{folder.Path}' holds nothing of '{image}', such as a.saliency.tif; name the one that scnn predict or scnn saliency wrote into.");
        Run(image, folder.File("heat.tif"), "--heat", folder.File("heat.tif")).IsRefused(
            $"'{folder.File("heat.tif")}' is of one image, and 2 are named; name one, or give the folder that holds files of all of them by --results.");
        Run(image, "--port", "x").IsRefused("'x' is not a port; write a whole number from 0, which is any that is free, to 65535.");
        Run(image, "--port", "70000").IsRefused("'70000' is not a port; write a whole number from 0, which is any that is free, to 65535.");
        Run(image, "--heat", "").IsRefused("A name of a file for --heat is empty; write FILE or FILE,FILE.");
        Run(image, "-o", folder.File("page"), "--port", "0").IsRefused(
            "--port and --no-browser are of the page that is served, and --output writes it into a folder; leave them out.");
        Run(image, "-o", folder.Path).IsRefused(
            $"The folder '{folder.Path}' is not empty, and the page is written into a new one; name another, or move it away.");
    }

    [Fact]
    public void A_port_that_is_taken_is_refused()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        Run(folder.File("a.tif"), "--no-browser", "--port", $"{port}").IsRefused(
            $"The port {port} is taken by another program; give another one by --port, or leave it out to take any that is free.");
    }

    [Fact]
    public void A_folder_holds_the_page_and_all_tiles()
    {
        var run = Run(
            folder.File("a.tif"), "-o", folder.File("pages/first"), "--heat", folder.File("heat.tif"), "--polygons", folder.File("shapes.geojson"));
        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        var page = folder.File("pages/first");
        string[] expected =
        [
            .. PageFiles.Names, "scene.js", "images/0/image.js", "images/0/0.dzi", "images/0/1.dzi", "images/0/0_files/10/1_1.jpg",
            "images/0/0_files/0/0_0.jpg", "images/0/1_files/7/0_0.png", "images/0/shapes/1.js",
        ];
        Assert.All(expected, name => Assert.True(File.Exists(Path.Combine(page, name)), name));
        Assert.Contains("\"live\":false", File.ReadAllText(Path.Combine(page, "scene.js")), StringComparison.Ordinal);
        Assert.Contains($"open {Path.Combine(page, "index.html")} in a browser.", run.Output, StringComparison.Ordinal);
        // Nothing is left beside it.
        Assert.Equal([page], Directory.GetFileSystemEntries(folder.File("pages")));
    }

    [Fact]
    public void A_folder_that_cannot_be_finished_is_not_there()
    {
        var pixels = File.ReadAllBytes(folder.File("a.tif"));
        // Tiles behind the header are missing from the middle of the file on.
        var damaged = TaggedTiff.Of(600, 800, 3, (y, x, band) => (byte)(y + (x * band)), tile: 128);
        File.WriteAllBytes(folder.File("b.png"), [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, .. pixels[..200]]);
        damaged.WriteTo(folder.File("c.tif"));
        var run = Run(folder.File("c.tif"), folder.File("b.png"), "-o", folder.File("page"));
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.StartsWith($"error: {folder.File("b.png")}: ", run.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(folder.Path));

        using var gallery = new Gallery([new(folder.File("c.tif"), [], new(), null)]);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => ViewFolder.Write(
            gallery,
            folder.File("page"),
            (done, _) =>
            {
                if (done == 2)
                    stop.Cancel();
            },
            stop.Token));
        Assert.Empty(Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void What_a_folder_of_maps_holds_is_laid_over_each_image()
    {
        ViewedSample.Write(folder, "b");
        var found = OverlayFile.In(folder.Path, "elsewhere/b.svs").ToArray();
        Assert.Equal(["classes", "saliency", "polygons"], found.Select(file => file.Name));
        Assert.Equal([OverlayKind.Classes, OverlayKind.Heat, OverlayKind.Shapes], found.Select(file => file.Kind));
        Assert.Empty(OverlayFile.In(folder.Path, "a.tif"));
        var run = Run(folder.File("a.tif"), folder.File("b.tif"), "--results", folder.Path, "-o", folder.File("page"));
        Assert.Equal("", run.Errors);
        Assert.True(File.Exists(folder.File("page/images/1/2.dzi")));
        Assert.False(File.Exists(folder.File("page/images/0/1.dzi")));
    }

    /// <summary>Ctrl+C is how it is ended.</summary>
    [Fact]
    public async Task A_signal_ends_the_server()
    {
        ProgramProcess.SkipWithoutInterrupts();
        var stop = TestContext.Current.CancellationToken;
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { typeof(Program).Assembly.Location, "view", folder.File("a.tif"), "--no-browser" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string? line;
        do
            line = await process.StandardOutput.ReadLineAsync(stop);
        while (line?.StartsWith("The page is at ", StringComparison.Ordinal) == false);
        using var client = new HttpClient();
        Assert.Contains("showScene", await client.GetStringAsync(new Uri(new Uri(line!["The page is at ".Length..]), "scene.js"), stop), StringComparison.Ordinal);
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            await kill.WaitForExitAsync(stop);
        await process.WaitForExitAsync(stop);
        Assert.Equal(Program.Interrupted, process.ExitCode);
        Assert.Contains("Stopped.", await process.StandardOutput.ReadToEndAsync(stop), StringComparison.Ordinal);
        Assert.Equal("", await process.StandardError.ReadToEndAsync(stop));
    }

    private static CommandLine Run(params string[] args) => CommandLine.Run(["view", .. args]);
}
