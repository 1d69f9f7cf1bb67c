using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn export</c>: a trained model as a file that other programs run.</summary>
internal static class ExportCommand
{
    private const string Onnx = ".onnx";
    private static readonly string[] Weights = [".safetensors", ".pth"];

    public static Command Create()
    {
        var weights = new Argument<string>("model") { Description = "Folder of a run, or a file of weights that training wrote." };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The file to write, which ends in .onnx or, for weights alone, in .safetensors or in .pth.",
            Required = true
        };
        var pixels = new Option<bool>("--pixels")
        {
            Description = "Put the scaling of pixels into the file, which then takes images with the values that they have in files, "
                + "such as 0 to 255.",
        };
        var own = CommonOptions.OwnModule();
        var command = new AnnouncedCommand(
            "export", "Write a trained model for other programs: as ONNX, trunk and head, for images of any size; or its weights, with the names of "
            + "the published network, as safetensors or as PyTorch saves them.")
        {
            weights, output, pixels, own,
        };
        command.FirstLine = parsed => $"Writing {parsed.GetValue(weights)} as {parsed.GetValue(output)}.";
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output)!;
            var isWeights = Weights.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
            if (!isWeights && !path.EndsWith(Onnx, StringComparison.OrdinalIgnoreCase))
                throw new ArgumentException($"--output is '{path}', but models are exported as .onnx, .safetensors or .pth; write such a name.");
            if (isWeights && parsed.GetValue(pixels))
                throw new ArgumentException(
                    "--pixels puts the scaling of pixels into a network, and files of weights hold none; leave it out, or write .onnx.");
            var file = RunFolder.WeightsOf(parsed.GetValue(weights)!);
            var (model, description) = ModelDescription.LoadModel(file, ownModule: parsed.GetValue(own));
            using (model)
            {
                if (isWeights)
                    ModelExport.WriteWeights(model, description, path);
                else
                    ModelExport.Write(model, description, path, parsed.GetValue(pixels));
            }

            var outputs = string.Join(", ", description.Task.Outputs);
            var holds = isWeights ? "weights" : "input 'image', output 'output'";
            Console.WriteLine(Printable.Of($"{path}: {new FileInfo(path).Length} bytes; {holds} ({outputs})."));
            return Program.Success;
        });
        return command;
    }
}
