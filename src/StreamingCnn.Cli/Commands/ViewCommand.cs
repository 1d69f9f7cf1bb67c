using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Cli.Viewing;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn view</c>: images of any size in the browser, with what a network found laid over them.</summary>
internal sealed class ViewCommand
{
    private const int MostPort = 65535;

    // Such an image without smaller levels is read through in a few seconds.
    private const double MostPixelsAtOnce = 250e6;

    private Argument<string[]> Images { get; } = new("image")
    {
        Description = "Image files, folders, patterns such as \"slides/*.svs\", or a table with a column image.",
        Arity = ArgumentArity.OneOrMore,
    };

    private Option<string[]> Heat { get; } = Files(
        "--heat", "Heatmaps of the image, such as NAME.saliency.tif, separated by commas. Of several bands each is one.");

    private Option<string[]> ClassMaps { get; } = Files(
        "--class-map",
        "Maps of classes of the image, such as NAME.classes.tif, or masks of numbers, separated by commas. What is 0 is transparent.");

    private Option<string[]> Polygons { get; } = Files(
        "--polygons", "Polygons on the image as GeoJSON, or tables of boxes, separated by commas.");

    private Option<string?> Results { get; } = new("--results")
    {
        Description = "Folder that scnn predict or scnn saliency wrote into: what is there of each image is laid over it.",
    };

    private Option<string?> Output { get; } = new("--output", "-o")
    {
        Description = "Write the page with all tiles into this new folder, whose index.html needs no server, and end.",
    };

    private Option<int?> Port { get; } = CommonOptions.Parsed<int?>(
        "--port",
        "Port of the page on this machine. Default: any that is free.",
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= MostPort
            ? port
            : throw new FormatException($"'{text}' is not a port; write a whole number from 0, which is any that is free, to {MostPort}."),
        null);

    private Option<bool> NoBrowser { get; } = new("--no-browser")
    {
        Description = "Print the address of the page, and start no browser.",
    };

    /// <summary>The command, of which each has its own options: an option knows all commands that it was ever added to.</summary>
    public static Command Create(TextWriter errors, Interruption interruption) => new ViewCommand().Build(errors, interruption);

    private AnnouncedCommand Build(TextWriter errors, Interruption interruption)
    {
        var resolution = CommonOptions.ResolutionOfFiles("Default: such images have no scale bar.");
        var reading = new ReadingOptions();
        var command = new AnnouncedCommand(
            "view", "Look at images of any size in the browser, with heatmaps, maps of classes and polygons laid over them.")
        {
            Images, Heat, ClassMaps, Polygons, Results, Output, Port, NoBrowser, resolution,
        };
        foreach (var option in reading.All)
            command.Add(option);
        command.FirstLine = parsed => parsed.GetValue(Images)! is [var one] ? $"Opening {one}." : $"Opening {parsed.GetValue(Images)!.Length} files.";
        command.SetAction(parsed =>
        {
            var folder = parsed.GetValue(Output);
            if (folder is not null)
            {
                if (parsed.GetValue(Port) is not null || parsed.GetValue(NoBrowser))
                    throw new ArgumentException("--port and --no-browser are of the page that is served, and --output writes it into a folder; leave them out.");
                ViewFolder.Check(folder);
            }

            var images = ImageArguments.Expand(parsed.GetValue(Images)!, note => Console.WriteLine(Printable.Of($"Note: {note}")));
            var files = WithOverlays(parsed, images, reading.Of(parsed), parsed.GetValue(resolution));
            using var gallery = new Gallery(files);
            foreach (var file in files)
                Check(file);
            // What is wrong with the first image is told here, and not on the page.
            gallery.Use(0, image => image.Layers.Select(layer => layer.Encode(new(layer.Grid.Top, 0, 0))).Last());
            return folder is null ? Serve(gallery, parsed, errors, interruption) : Write(gallery, folder, interruption);
        });
        return command;
    }

    private static Option<string[]> Files(string name, string description) => CommonOptions.Several(
        name,
        description,
        text => text.Length > 0 ? text : throw new FormatException($"A name of a file for {name} is empty; write FILE or FILE,FILE."),
        null);

    private ViewedFile[] WithOverlays(
        ParseResult parsed, IReadOnlyList<ImageItem> images, ImageOptions options, double? resolution)
    {
        OverlayFile[] named =
        [
            .. Of(ClassMaps, OverlayKind.Classes), .. Of(Heat, OverlayKind.Heat), .. Of(Polygons, OverlayKind.Shapes),
        ];
        if (named.Length > 0 && images.Count > 1)
            throw new ArgumentException($"'{named[0].Path}' is of one image, and {images.Count} are named; name one, or give the folder that holds files of all of them by --results.");
        var maps = parsed.GetValue(Results);
        if (maps is not null && !Directory.Exists(maps))
            throw new ArgumentException($"There is no folder '{maps}'; name the one that scnn predict or scnn saliency wrote into.");
        ViewedFile[] files =
        [
            .. images.Select(image => new ViewedFile(
                image.Path,
                [.. maps is null ? [] : OverlayFile.In(maps, image.Path), .. named],
                options,
                image.MicrometresPerPixel ?? resolution)),
        ];
        return maps is null || files.Any(file => file.Overlays.Count > named.Length)
            ? files
            : throw new ArgumentException($"The folder '{maps}' holds nothing of '{images[0].Path}', such as {Path.GetFileNameWithoutExtension(images[0].Path)}.saliency.tif; name the one that scnn predict or scnn saliency wrote into.");

        IEnumerable<OverlayFile> Of(Option<string[]> option, OverlayKind kind) =>
            (parsed.GetValue(option) ?? []).Select(path => OverlayFile.Of(path, kind));
    }

    private static void Check(ViewedFile file)
    {
        var info = file.Info;
        foreach (var overlay in file.Overlays.Where(overlay => !File.Exists(overlay.Path)))
            throw new ImageFormatException(overlay.Path, "there is no such file; check the path.");
        if (info.Levels.Count == 1 && info.Tile is not null && (double)info.Height * info.Width > MostPixelsAtOnce)
        {
            Console.WriteLine(Printable.Of(string.Create(
                CultureInfo.InvariantCulture,
                $"Note: {file.Path}: it has no smaller levels, so that the first look at the whole reads all of its {info.Height * (double)info.Width / 1e6:0} MP; with them it opens at once (vips tiffsave OLD NEW --tile --pyramid --compression jpeg).")));
        }
    }

    private int Serve(Gallery gallery, ParseResult parsed, TextWriter errors, Interruption interruption)
    {
        var server = ViewServer.StartAsync(gallery, parsed.GetValue(Port) ?? 0).GetAwaiter().GetResult();
        try
        {
            interruption.PassOn();
            Console.WriteLine($"The page is at {server.Address}");
            Console.WriteLine("Ctrl+C ends it.");
            if (!parsed.GetValue(NoBrowser) && Browse(server.Address) is { } reason)
                errors.WriteLine(Printable.Of($"Note: no browser could be started ({reason}); open the address in one."));
            interruption.Token.WaitHandle.WaitOne();
            Console.WriteLine("Stopped.");
            return Program.Interrupted;
        }
        finally
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Opens the browser of whoever uses this machine.</summary>
    /// <returns>Why there is none; null where it was started.</returns>
    private static string? Browse(Uri address)
    {
        // In a terminal alone, such as that of another machine, a browser of text would take the terminal.
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("DISPLAY") is null
            && Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is null)
        {
            return "there is no display";
        }

        try
        {
            Process.Start(new ProcessStartInfo(address.ToString()) { UseShellExecute = true })?.Dispose();
            return null;
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException)
        {
            return error.Message.TrimEnd('.');
        }
    }

    private static int Write(Gallery gallery, string folder, Interruption interruption)
    {
        interruption.PassOn();
        try
        {
            long tiles = 0;
            new FolderDisplay().Show(
                "tiles",
                tell => ViewFolder.Write(
                    gallery,
                    folder,
                    (done, total) =>
                    {
                        tiles = total;
                        tell(done, total);
                    },
                    interruption.Token));
            Console.WriteLine(Printable.Of(string.Create(
                CultureInfo.InvariantCulture, $"{tiles} tiles; open {Path.Combine(folder, PageFiles.Index)} in a browser.")));
            return Program.Success;
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("Stopped; nothing is written.");
            return Program.Interrupted;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The folder '{folder}' cannot be written: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
