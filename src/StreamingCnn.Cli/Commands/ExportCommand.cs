using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn export</c>: a trained model as a file that other programs run.</summary>
internal static class ExportCommand
{
    private const string Ending = ".onnx";

    public static Command Create()
    {
        var weights = new Argument<string>("model") { Description = "Folder of a run, or a file of weights that training wrote." };
        var output = new Option<string>("--output", "-o") { Description = "The file to write, which ends in .onnx.", Required = true };
        var pixels = new Option<bool>("--pixels")
        {
            Description = "Put the scaling of pixels into the file, which then takes images with the values that they have in files, "
                + "such as 0 to 255.",
        };
        var own = CommonOptions.OwnModule();
        var command = new AnnouncedCommand(
            "export", "Write a trained model as ONNX: trunk and head, for images of any size, with the names of its outputs.")
        {
            weights, output, pixels, own,
        };
        command.FirstLine = parsed => $"Writing {parsed.GetValue(weights)} as {parsed.GetValue(output)}.";
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output)!;
            if (!path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase))
                throw new ArgumentException($"--output is '{path}', but files of ONNX end in .onnx; write such a name.");
            var file = RunFolder.WeightsOf(parsed.GetValue(weights)!);
            var (model, description) = ModelDescription.Load(file, ownModule: parsed.GetValue(own));
            using (model)
                ModelExport.Write(model, description, path, parsed.GetValue(pixels));
            var outputs = string.Join(", ", description.Task.Outputs);
            Console.WriteLine(Printable.Of($"{path}: {new FileInfo(path).Length} bytes; input 'image', output 'output' ({outputs})."));
            return Program.Success;
        });
        return command;
    }
}
