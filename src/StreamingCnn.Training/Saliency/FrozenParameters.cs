using TorchSharp.Modules;

namespace StreamingCnn.Training.Saliency;

/// <summary>The weights' own gradients are half of the work of a backward pass, and nobody asks for them here.</summary>
internal sealed class FrozenParameters : IDisposable
{
    private readonly Parameter[] trained;

    public FrozenParameters(StreamingClassifier model)
    {
        trained = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        foreach (var parameter in trained)
            parameter.requires_grad_(false);
    }

    public void Dispose()
    {
        foreach (var parameter in trained)
            parameter.requires_grad_(true);
    }
}
