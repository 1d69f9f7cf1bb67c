namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Networks that PyTorch has exported.</summary>
internal static class OnnxSamples
{
    public static IReadOnlyList<Sample> All() =>
        [
            .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Onnx"), "*.onnx").Order().Select(
                file => new Sample(Path.GetFileName(file), File.ReadAllBytes(file)))
        ];
}
