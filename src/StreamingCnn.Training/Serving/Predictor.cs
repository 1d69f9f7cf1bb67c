using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Tasks;
using TorchSharp;

namespace StreamingCnn.Training.Serving;

/// <summary>A trained model for programs that use it: predictions of image files, the same that <c>scnn predict</c> gives.</summary>
/// <remarks>
/// Any number of threads may ask at once. There is one model and one thread that runs it, so predictions come one after the other, in the
/// order in which they were asked for, and are the same to the last bit whoever asks meanwhile; each uses all processors and may take the
/// whole memory budget. What waits is not limited here: a service limits it in front of this.
/// <para>
/// Processes that <see cref="StreamingOptions.SplitOver"/> names work on each image together, and ask for the same in the same order. All
/// get what is said of an image as a whole; files are written by rank 0, which alone is told what a map holds.
/// </para>
/// </remarks>
public sealed class Predictor : IDisposable
{
    private readonly TrainableModel model;
    private readonly PredictorOptions options;
    private readonly TileWatch watch;
    private readonly PredictionThread thread;

    private Predictor(TrainableModel model, ModelDescription description, PredictorOptions options, TileWatch watch)
    {
        (this.model, Description, this.options, this.watch) = (model, description, options, watch);
        model.eval();
        thread = new(model.Dispose);
    }

    /// <summary>What is known of the model: what its outputs mean, how images are prepared, calibration and thresholds.</summary>
    public ModelDescription Description { get; }

    /// <summary>The model. It belongs to the predictor, whose thread may be running it.</summary>
    internal TrainableModel Model => model;

    /// <summary>Loads a trained model.</summary>
    /// <param name="path">The folder that <c>scnn train</c> has written, of which the best weights are taken; or a file of weights.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="Interop.Weights.WeightFileException">
    /// There is no such folder or file, it holds no trained model, or one whose code was not named.
    /// </exception>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public static Predictor Load(string path, PredictorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new();
        var watch = new TileWatch(options.Streaming.Progress);
        var (model, description) = ModelDescription.LoadModel(
            RunFolder.WeightsOf(path), options.Streaming with { Progress = watch }, options.OwnModule);
        try
        {
            description = description with { Preparation = description.Preparation.WithBands(options.Bands) };
        }
        catch
        {
            model.Dispose();
            throw;
        }

        if (options.Device is { } device)
            model.to(device);
        return new(model, description, options, watch);
    }

    /// <summary>What the model says of an image: its class, labels or numbers.</summary>
    /// <param name="image">The file.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <exception cref="PredictionException">The file is no image, or none that this model can judge.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The predictor is, or has been meanwhile.</exception>
    /// <exception cref="InvalidOperationException">The model gives maps.</exception>
    public Task<ImagePrediction> PredictAsync(
        string image, IProgress<TileProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return PredictAsync([image], progress, cancellation);
    }

    /// <summary>What a model that sees several images side by side says of them: their class, labels or numbers.</summary>
    /// <param name="images">The files, in the order of the model's inputs; the prediction is called by the first.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <exception cref="ArgumentException">There is no file.</exception>
    /// <inheritdoc cref="PredictAsync(string, IProgress{TileProgress}?, CancellationToken)"/>
    public Task<ImagePrediction> PredictAsync(
        IReadOnlyList<string> images, IProgress<TileProgress>? progress = null, CancellationToken cancellation = default)
    {
        var named = Named(images);
        Classifier();
        return Turn(() => Predict(named), progress, cancellation);
    }

    /// <summary>Writes the picture of an image with what in it matters for the model's answer, and a legend.</summary>
    /// <param name="image">The file.</param>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="explanation">How the map is made; null for the gradient of the largest score.</param>
    /// <param name="side">Greatest height and width of the picture in pixels without its legend, at least 16.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    /// <inheritdoc cref="PredictAsync(string, IProgress{TileProgress}?, CancellationToken)"/>
    public Task WriteOverlayAsync(
        string image,
        string path,
        SaliencyOptions? explanation = null,
        int side = 1600,
        IProgress<TileProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return WriteOverlayAsync([image], path, explanation, side, progress, cancellation);
    }

    /// <summary>
    /// Writes the picture of the first of several images that the model sees side by side, with what in all of them matters for its answer.
    /// </summary>
    /// <param name="images">The files, in the order of the model's inputs.</param>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="explanation">How the map is made; null for the gradient of the largest score.</param>
    /// <param name="side">Greatest height and width of the picture in pixels without its legend, at least 16.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <inheritdoc cref="WriteOverlayAsync(string, string, SaliencyOptions?, int, IProgress{TileProgress}?, CancellationToken)"/>
    public Task WriteOverlayAsync(
        IReadOnlyList<string> images,
        string path,
        SaliencyOptions? explanation = null,
        int side = 1600,
        IProgress<TileProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var named = Named(images);
        var image = named.Path;
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 16);
        var classifier = Classifier();
        explanation?.Validate(classifier.Head);
        return Turn(
            () =>
            {
                var preparation = Description.Preparation.For(options.MicrometresPerPixel) with { Further = named.Further };
                using var map = PredictionException.Of(() =>
                {
                    using var source = AnswerPicture.Open(image, preparation, preparation.Options);
                    return SaliencyMap.Compute(classifier, source, explanation);
                });
                if (!IsHelper)
                    AnswerPicture.Write(path, map, classifier, Description, ImageInfo.Read(image, preparation.Options), side);
                return true;
            },
            progress,
            cancellation);
    }

    /// <summary>Writes files of the map of classes that the model makes of an image, and tells what the map holds.</summary>
    /// <param name="image">The file.</param>
    /// <param name="stem">Path of the files without their endings, such as <c>out/slide</c> for <c>out/slide.classes.tif</c>.</param>
    /// <param name="files">Which files.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <exception cref="InvalidOperationException">The model gives no maps of classes.</exception>
    /// <inheritdoc cref="PredictAsync(string, IProgress{TileProgress}?, CancellationToken)"/>
    public Task<MapSummary> PredictMapAsync(
        string image,
        string stem,
        MapFilesOptions files,
        IProgress<TileProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return PredictMapAsync([image], stem, files, progress, cancellation);
    }

    /// <summary>
    /// Writes files of the map of classes that the model makes of several images side by side, and tells what the map holds.
    /// </summary>
    /// <param name="images">The files, in the order of the model's inputs.</param>
    /// <param name="stem">Path of the files without their endings, such as <c>out/slide</c> for <c>out/slide.classes.tif</c>.</param>
    /// <param name="files">Which files.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <inheritdoc cref="PredictMapAsync(string, string, MapFilesOptions, IProgress{TileProgress}?, CancellationToken)"/>
    public Task<MapSummary> PredictMapAsync(
        IReadOnlyList<string> images,
        string stem,
        MapFilesOptions files,
        IProgress<TileProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var named = Named(images);
        ArgumentNullException.ThrowIfNull(stem);
        ArgumentNullException.ThrowIfNull(files);
        if (model is not StreamingSegmenter)
            throw new InvalidOperationException($"The model gives no maps of classes; call {nameof(PredictNumbersAsync)} for maps of numbers, or {nameof(PredictAsync)} or {nameof(WriteOverlayAsync)} where it judges images as a whole.");
        return Turn(() => WriteMap(named, stem, files).Summary, progress, cancellation);
    }

    /// <summary>Writes files of the map of numbers that the model makes of an image, and tells what the map holds.</summary>
    /// <param name="images">The file; of a model that sees several images side by side all, in the order of its inputs.</param>
    /// <param name="stem">Path of the files without their endings, such as <c>out/field</c> for <c>out/field.values.tif</c>.</param>
    /// <param name="files">Which files; null for all.</param>
    /// <param name="progress">Told of every tile, on the predictor's thread; null for nobody.</param>
    /// <param name="cancellation">Ends it: at once while it waits for its turn, then between two tiles.</param>
    /// <returns>What there is of each number, in the order of the model's outputs.</returns>
    /// <exception cref="InvalidOperationException">The model gives no maps of numbers.</exception>
    /// <inheritdoc cref="PredictAsync(IReadOnlyList{string}, IProgress{TileProgress}?, CancellationToken)"/>
    public Task<IReadOnlyList<NumberSummary>> PredictNumbersAsync(
        IReadOnlyList<string> images,
        string stem,
        NumberFilesOptions? files = null,
        IProgress<TileProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var named = Named(images);
        ArgumentNullException.ThrowIfNull(stem);
        if (model is not StreamingMapRegressor)
            throw new InvalidOperationException($"The model gives no maps of numbers; call {nameof(PredictMapAsync)} for maps of classes, or {nameof(PredictAsync)} where it judges images as a whole.");
        return Turn(() => WriteNumbers(named, stem, files ?? new()).Numbers, progress, cancellation);
    }

    /// <summary>
    /// Ends the prediction that goes on at its next tile and those that wait, all with <see cref="ObjectDisposedException"/>, and frees the
    /// model.
    /// </summary>
    public void Dispose() => thread.Dispose();

    /// <summary>What the model says of an image, on the calling thread.</summary>
    /// <param name="image">The file, its resolution where it does not state it, and what is seen side by side with it.</param>
    /// <param name="tell">Told what is doubtful about it before it is read; null for nobody.</param>
    /// <returns>A probability for each class or label as the model has it, or the numbers; and the image's pixels.</returns>
    /// <exception cref="PredictionException">The file is no image, or none that this model can judge.</exception>
    internal (IReadOnlyList<double> Values, long Pixels) Judge(ImageItem image, Action<string>? tell = null) =>
        PredictionException.Of(() =>
        {
            using var source = Prepare(image, tell).Preparation.Open(image.Path);
            return (ImageModel.Predict(Classifier(), (ScoredTask)Description.Task, source, image.Path), source.Height * source.Width);
        });

    /// <summary>
    /// Opens an image and lets go of it, so that what cannot be opened is known before several processes begin to work on it together.
    /// </summary>
    /// <param name="image">The file, its resolution where it does not state it, and what is seen side by side with it.</param>
    /// <param name="tell">Told what is doubtful about it; null for nobody.</param>
    /// <exception cref="PredictionException">The file is no image, or none that this model can judge.</exception>
    internal void Check(ImageItem image, Action<string>? tell = null) => PredictionException.Of(() =>
    {
        Prepare(image, tell).Preparation.Open(image.Path).Dispose();
        return true;
    });

    /// <summary>What is told of values: calibrated, and with thresholds.</summary>
    internal Prediction Decide(string image, IReadOnlyList<double> values) => Description.Decision.Apply(
        Description.Task, new Prediction(new(image, -1, _ => Description.Preparation.Open(image)), values, double.NaN));

    /// <summary>Writes the files of an image's map of classes, on the calling thread.</summary>
    /// <returns>What the map holds, where it lies in the image, and its pixels.</returns>
    /// <inheritdoc cref="Judge"/>
    internal (MapSummary Summary, MapPlace Place, long Pixels) WriteMap(
        ImageItem image, string stem, MapFilesOptions files, Action<string>? tell = null)
    {
        if (files.Average != MapAverage.None && model.Options.SplitOver is { Size: > 1 })
            throw new InvalidOperationException("The mean over mirror images is made of an image by one process, and several share each image; leave out --average or --split-image.");
        return PredictionException.Of(() =>
        {
            var (preparation, info) = Prepare(image, tell);
            using var source = preparation.Open(image.Path);
            var place = PlaceOf(info, preparation, source);
            if (IsHelper)
            {
                Run(source, null);
                return (new MapSummary([], [], []), place, source.Height * source.Width);
            }

            var summary = MapFiles.Write(
                sink => Run(source, sink, files.Average),
                stem,
                (source.Height, source.Width),
                MapClass.Of(Description.Task.Outputs),
                place,
                () => Thumbnail.Read(info, files.OverlaySide, preparation.Options),
                files,
                () => NoDataMask.Open(image.Path, preparation.Options, (source as ForegroundSource)?.Foreground));
            return (summary, place, source.Height * source.Width);
        });
    }

    /// <summary>Writes the files of an image's map of numbers, on the calling thread.</summary>
    /// <returns>What there is of each number, and the image's pixels.</returns>
    /// <inheritdoc cref="Judge"/>
    internal (IReadOnlyList<NumberSummary> Numbers, long Pixels) WriteNumbers(
        ImageItem image, string stem, NumberFilesOptions files, Action<string>? tell = null) =>
        PredictionException.Of(() =>
        {
            var (preparation, info) = Prepare(image, tell);
            using var source = preparation.Open(image.Path);
            if (IsHelper)
            {
                Run(source, null);
                return ([], source.Height * source.Width);
            }

            var (numbers, _) = NumberFiles.Write(
                sink => Run(source, sink),
                stem,
                (source.Height, source.Width),
                Description.Task.Outputs,
                PlaceOf(info, preparation, source),
                () => Thumbnail.Read(info, files.OverlaySide, preparation.Options),
                files,
                () => NoDataMask.Open(image.Path, preparation.Options, (source as ForegroundSource)?.Foreground));
            return (numbers, source.Height * source.Width);
        });

    /// <summary>Whether another process has the whole of what this one works on with it, and makes the files of it.</summary>
    private bool IsHelper => model.Options.SplitOver is { Rank: > 0 };

    /// <summary>Runs a model of maps.</summary>
    /// <param name="source">The image.</param>
    /// <param name="sink">Gets the whole map; not looked at where another process has it.</param>
    /// <param name="average">Views that are averaged, of a map of classes.</param>
    private void Run(IImageSource source, IMapSink? sink, MapAverage average = MapAverage.None)
    {
        var maps = (StreamingMapModel)model;
        if (average != MapAverage.None)
        {
            AveragedMap.Run(maps.Run, source, sink!, Description.Task.Outputs.Count, average);
            return;
        }

        if (model.Options.SplitOver is not { Size: > 1 } ranks)
        {
            maps.Run(source, sink!);
            return;
        }

        using var gathered = new GatheredSink(ranks, sink, model.Options.CarryFolder);
        maps.Run(source, gathered);
        gathered.Complete();
    }

    /// <summary>Where a map of an image's size lies in its file.</summary>
    private static MapPlace PlaceOf(ImageInfo info, ImagePreparation preparation, IImageSource source)
    {
        var across = info.MicrometresPerPixel ?? preparation.AssumedMicrometresPerPixel;
        return MapPlace.Of(info with { MicrometresPerPixel = across }, source.Height, source.Width);
    }

    /// <summary>Writes the trunk's map of an image as an array, and where its positions lie, on the calling thread.</summary>
    /// <param name="image">The file, its resolution where it does not state it, and what is seen side by side with it.</param>
    /// <param name="path">The array.</param>
    /// <param name="tell">Told what is doubtful about it before it is read; null for nobody.</param>
    /// <returns>Height, width and channels of the map, and the image's pixels.</returns>
    /// <inheritdoc cref="Judge"/>
    internal ((long Height, long Width, long Channels) Shape, long Pixels) WriteFeatures(
        ImageItem image, string path, Action<string>? tell = null) =>
        PredictionException.Of(() =>
        {
            var (preparation, info) = Prepare(image, tell);
            var region = preparation.Foreground == ForegroundRule.None ? null : preparation.FindForeground(image.Path, null);
            using var source = preparation.Open(image.Path, region: region);
            var (height, width) = ImageSource.Size(info, preparation.Options);
            var (across, down) = ((double)info.Width / width, (double)info.Height / height);
            var place = MapPlace.Of(info, source.Height, source.Width, region?.Box, across, down);
            using var file = new FeatureFile(path, place, source.Height, source.Width);
            using var grad = TorchSharp.torch.no_grad();
            Classifier().Features.Run(source, file);
            file.Complete();
            return (file.Shape, source.Height * source.Width);
        });

    /// <summary>What the head pools of an image, on the calling thread.</summary>
    /// <returns>[1, C'], and the image's pixels.</returns>
    /// <inheritdoc cref="Judge"/>
    internal (TorchSharp.torch.Tensor Vector, long Pixels) Pool(ImageItem image, Action<string>? tell = null) =>
        PredictionException.Of(() =>
        {
            using var source = Prepare(image, tell).Preparation.Open(image.Path);
            return (Classifier().PooledFeatures(source), source.Height * source.Width);
        });

    private static ImageItem Named(IReadOnlyList<string> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        return images.Count > 0
            ? new(images[0], -1, []) { Further = [.. images.Skip(1)] }
            : throw new ArgumentException("No file was named to be predicted; name at least one.", nameof(images));
    }

    private ImagePrediction Predict(ImageItem image)
    {
        var remarks = new List<string>();
        return new(Description.Task, Decide(image.Path, Judge(image, remarks.Add).Values), remarks);
    }

    private (ImagePreparation Preparation, ImageInfo Info) Prepare(ImageItem image, Action<string>? tell)
    {
        var preparation = Description.Preparation.For(options.MicrometresPerPixel).For(image);
        var readings = preparation.Readings(image.Path, preparation.Options);
        foreach (var doubt in readings.SelectMany(preparation.Doubts).Distinct())
            tell?.Invoke(doubt);
        return (preparation, readings[0].Info);
    }

    private StreamingClassifier Classifier() => model as StreamingClassifier
        ?? throw new InvalidOperationException($"The model gives maps and does not judge images as a whole; call {nameof(PredictMapAsync)} for classes, or {nameof(PredictNumbersAsync)} for numbers.");

    private Task<T> Turn<T>(Func<T> work, IProgress<TileProgress>? progress, CancellationToken cancellation) =>
        thread.Run(either => watch.During(work, progress, either), cancellation);
}
