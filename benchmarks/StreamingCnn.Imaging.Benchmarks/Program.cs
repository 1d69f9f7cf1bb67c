using System.CommandLine;
using StreamingCnn;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Benchmarks;

// What reading and training on a large image file costs on this machine. See README.md beside this file.
var file = new Argument<FileInfo>("file") { Description = "Image file, such as a pyramidal TIFF of a gigapixel." };
var window = new Option<int>("--window") { Description = "Side of a window in pixels.", DefaultValueFactory = _ => 1024 };
var rounds = new Option<int>("--rounds")
{
    Description = "Passes by each reader, taken in turns, each in a process of its own.",
    DefaultValueFactory = _ => 3
};
var tile = new Option<int>("--tile") { Description = "Side of a tile in pixels.", DefaultValueFactory = _ => 2048 };
var memory =
    new Option<long?>("--memory") { Description = "MiB that a step may take, for which the planner chooses the tile; instead of --tile." };
var model = new Option<string?>("--model") { Description = "A network of the catalog, such as resnet34, evaluated. Default: a small one." };
var carry = new Option<CarryPlace>("--carry") { Description = "Where the carry waits for the backward pass: device or file." };
var reader = new Argument<WindowReader>("reader");

var windows = new Command(
    "windows",
    "Read all windows of a file through this library and through plain libvips: megapixels per second and peak memory.") { file,
    window,
    rounds };
windows.SetAction(parsed => WindowComparison.Run(parsed.GetValue(file)!.FullName, parsed.GetValue(window), parsed.GetValue(rounds)));

var pass = new Command("pass", "One pass by one reader in this process.") { reader, file, window };
pass.Hidden = true;
pass.SetAction(
    parsed =>
        Console.WriteLine(WindowPass.Run(parsed.GetValue(reader), parsed.GetValue(file)!.FullName, parsed.GetValue(window)).ToJson()));

var step = new Command(
    "step", "One training step of a streamed network on a whole file: time and peak memory.") { file, model, tile, memory, carry };
step.SetAction(parsed =>
{
    var options = parsed.GetValue(memory) is { } mebibytes
        ? new StreamingOptions { MemoryBudget = mebibytes << 20 }
        : new StreamingOptions { Tile = (parsed.GetValue(tile), parsed.GetValue(tile)) };
    return TrainingStep.Run(parsed.GetValue(file)!.FullName, parsed.GetValue(model), options with { Carry = parsed.GetValue(carry) });
});

var root = new RootCommand("Measure what reading and training on a large image file costs.") { windows, pass, step };
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception failure)
    when (failure is ImageFormatException or IOException or InvalidOperationException or ArgumentException or InsufficientMemoryException)
{
    Console.Error.WriteLine($"error: {failure.Message.Split('\n')[0]}");
    return 2;
}
